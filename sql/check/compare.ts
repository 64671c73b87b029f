import type { PendingQuery, TransactionSql } from "postgres";
import type { Comparison } from "../../shared/checks/files.ts";
import { type Findings, MOST_OFFENDING, type Row } from "../../shared/checks/statements.ts";

/**
 * Compares what two schemas say, without a join, since they may live in two databases.
 *
 * Each side's file gives one row for each key, in order of the key: the history's all of them, the wallet's those of a stretch
 * of keys. The first column is the key, `seen` says how far the history has come with it, and the other columns must be
 * equal as text; a null on the wallet's side is not compared.
 *
 * At rest both sides are read at once, from the first key to the last. On a system at work the history lags: then the wallet's
 * side is read stretch by stretch, bounded to what the history has seen of each key. The history's snapshot is the earlier one,
 * so it never knows more than the wallet's.
 */

/** Keys at a time: enough that the round trips cost nothing, few enough that the rows are small in memory. */
const CHUNK = 2_000;

/** Of the types that come as text: uuid, text, bigint, numeric. */
type TextRow = Readonly<Record<string, string | null>>;

export interface Sides {
  readonly history: TransactionSql;
  readonly wallet: TransactionSql;
}

export async function compare(comparison: Comparison, sides: Sides, live: boolean): Promise<Findings> {
  const offending: Row[] = [];
  let compared = 0;
  let seen = 0n;
  for await (const [wallet, history] of live ? bounded(comparison, sides) : merged(comparison, sides)) {
    if (wallet !== undefined) {
      compared += 1;
      seen += BigInt(history?.seen ?? 0);
    }
    const difference = differ(wallet, history);
    if (difference !== null && offending.length < MOST_OFFENDING) offending.push(difference);
  }
  return { figures: { compared: String(compared), events: String(seen) }, offending };
}

/** What the two sides say of one key; what one of them does not know is undefined. */
type Pair = readonly [wallet: TextRow | undefined, history: TextRow | undefined];

/** All keys of both sides, in one look at each. */
async function* merged(comparison: Comparison, sides: Sides): AsyncGenerator<Pair> {
  const alike = await hashAlike(sides);
  const wallets = ofWallet(comparison, sides, { after: null, until: null, known: [], alike });
  const histories = ofHistory(comparison, sides, alike);
  // Both queries are under way before either is waited for.
  let [ours, theirs] = await Promise.all([next(wallets), next(histories)]);
  while (ours !== undefined || theirs !== undefined) {
    const order = orderOf(ours, theirs);
    yield [order <= 0 ? ours : undefined, order >= 0 ? theirs : undefined];
    if (order <= 0) ours = await next(wallets);
    if (order >= 0) theirs = await next(histories);
  }
}

/** The keys that the history knows, each only as far as it has come with it. */
async function* bounded(comparison: Comparison, sides: Sides): AsyncGenerator<Pair> {
  const alike = await hashAlike(sides);
  let after: string | null = null;
  for await (const known of chunked(ofHistory(comparison, sides, alike))) {
    const until = keyOf(known.at(-1));
    const unmatched = new Map(known.map((row) => [keyOf(row), row]));
    for await (const row of ofWallet(comparison, sides, { after, until, known, alike })) {
      const other = unmatched.get(keyOf(row));
      unmatched.delete(keyOf(row));
      if (other !== undefined) yield [row, other];
    }
    for (const row of unmatched.values()) yield [undefined, row];
    after = until;
  }
}

function ofHistory({ history: text }: Comparison, { history }: Sides, alike: boolean): AsyncGenerator<TextRow> {
  return rowsOf(history.unsafe<TextRow[]>(text, text.includes("$1") ? [alike] : []));
}

interface Stretch {
  readonly after: string | null;
  readonly until: string | null;
  /** Rows of the history whose wallets are looked at only as far as the history has seen them; none: no bounds. */
  readonly known: readonly TextRow[];
  readonly alike: boolean;
}

function ofWallet(
  { wallet: text }: Comparison,
  { wallet }: Sides,
  { after, until, known, alike }: Stretch,
): AsyncGenerator<TextRow> {
  const bounds = [after, until, known.map(keyOf), known.map((row) => row.seen ?? null)];
  return rowsOf(wallet.unsafe<TextRow[]>(text, text.includes("$5") ? [...bounds, alike] : bounds));
}

async function* rowsOf(query: PendingQuery<TextRow[]>): AsyncGenerator<TextRow> {
  for await (const rows of query.cursor(CHUNK)) yield* rows;
}

async function* chunked(rows: AsyncGenerator<TextRow>): AsyncGenerator<TextRow[]> {
  let chunk: TextRow[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Whether the two servers give things the same hash: PostgreSQL promises it for one major version on one kind of processor. */
async function hashAlike({ wallet, history }: Sides): Promise<boolean> {
  const sample = "Whoever reads this has the same hash for it";
  const [one, other] = await Promise.all(
    [wallet, history].map(
      (sql) => sql<{ hash: string }[]>`
        select hashtextextended(
          ${sample}, uuid_hash_extended('01890000-0000-7000-8000-000000000001', hash_numeric_extended(1234567.89, 1))) as hash`,
    ),
  );
  return one?.[0]?.hash === other?.[0]?.hash;
}

async function next(rows: AsyncGenerator<TextRow>): Promise<TextRow | undefined> {
  const { done, value } = await rows.next();
  return done === true ? undefined : value;
}

/** UUIDs as text are in the order that the database has them in. */
function orderOf(ours: TextRow | undefined, theirs: TextRow | undefined): number {
  if (ours === undefined) return 1;
  if (theirs === undefined) return -1;
  return keyOf(ours) < keyOf(theirs) ? -1 : keyOf(ours) > keyOf(theirs) ? 1 : 0;
}

function keyOf(row: TextRow | undefined): string {
  return Object.values(row ?? {})[0] ?? "";
}

/** The columns that differ, as `wallet's ≠ history's`; null where none does. */
function differ(wallet: TextRow | undefined, history: TextRow | undefined): Row | null {
  if (wallet === undefined) return { fault: "the wallet service does not know it", ...history };
  const [[key, id] = ["key", null]] = Object.entries(wallet);
  if (history === undefined) return { fault: "the history does not know it", [key]: id, version: wallet.seen };
  const different = Object.entries(wallet).filter(([name, value]) => value !== null && value !== history[name]);
  if (different.length === 0) return null;
  const values = different.map(([name, value]) => [name, `${value} ≠ ${history[name]}`]);
  return { fault: "wallet ≠ history", [key]: id, ...Object.fromEntries(values) };
}
