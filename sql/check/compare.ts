import type { TransactionSql } from "postgres";
import type { Comparison } from "./files.ts";
import { type Findings, MOST_OFFENDING, type Row } from "./statements.ts";

/**
 * Compares what two schemas say, without a join, since they may live in two databases.
 *
 * Each side's file gives one row for each key: the history's all of them in order of the key, the wallet's those of a stretch
 * of keys. The first column is the key, `seen` says how far the history has come with it, and the other columns must be
 * equal as text; a null on the wallet's side is not compared.
 *
 * On a system at work the history lags. Then the wallet's side is bounded to what the history has seen of each key. The
 * history's snapshot is the earlier one, so it never knows more than the wallet's.
 */

/** Keys at a time: enough that the round trips cost nothing, few enough that the rows are small in memory. */
const CHUNK = 2_000;

/** Of the types that come as text: uuid, text, bigint, numeric. */
type TextRow = Readonly<Record<string, string | null>>;

interface Sides {
  readonly history: TransactionSql;
  readonly wallet: TransactionSql;
}

export async function compare(comparison: Comparison, { history, wallet }: Sides, live: boolean): Promise<Findings> {
  const offending: Row[] = [];
  let compared = 0;
  let seen = 0n;
  const stretch = async (after: string | null, until: string | null, known: readonly TextRow[]): Promise<void> => {
    const unmatched = new Map(known.map((row) => [keyOf(row), row]));
    const bounds = live ? known : [];
    const found = wallet.unsafe<TextRow[]>(comparison.wallet, [
      after,
      until,
      bounds.map(keyOf),
      bounds.map((row) => row.seen ?? null),
    ]);
    for await (const rows of found.cursor(CHUNK)) {
      for (const row of rows) {
        const other = unmatched.get(keyOf(row));
        unmatched.delete(keyOf(row));
        if (other === undefined && live) continue;
        compared += 1;
        seen += BigInt(other?.seen ?? 0);
        const difference = differ(row, other);
        if (difference !== null) add(offending, difference);
      }
    }
    for (const row of unmatched.values()) add(offending, { fault: "the wallet service does not know it", ...row });
  };
  let after: string | null = null;
  for await (const rows of history.unsafe<TextRow[]>(comparison.history).cursor(CHUNK)) {
    const until = keyOf(rows.at(-1) ?? {});
    await stretch(after, until, rows);
    after = until;
  }
  await stretch(after, null, []);
  return { figures: { compared: String(compared), events: String(seen) }, offending };
}

function keyOf(row: TextRow): string {
  return Object.values(row)[0] ?? "";
}

function add(offending: Row[], row: Row): void {
  if (offending.length < MOST_OFFENDING) offending.push(row);
}

/** The columns that differ, as `wallet's ≠ history's`. */
function differ(wallet: TextRow, history: TextRow | undefined): Row | null {
  const [[key, id] = ["key", null]] = Object.entries(wallet);
  if (history === undefined) return { fault: "the history does not know it", [key]: id, version: wallet.seen };
  const different = Object.entries(wallet).filter(([name, value]) => value !== null && value !== history[name]);
  if (different.length === 0) return null;
  const values = different.map(([name, value]) => [name, `${value} ≠ ${history[name]}`]);
  return { fault: "wallet ≠ history", [key]: id, ...Object.fromEntries(values) };
}
