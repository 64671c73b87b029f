/** The statements of the Drizzle baselines. Each is named, so that a connection plans it once and then only runs it. */
import { and, asc, eq, inArray } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import * as schema from "../../shared/schema/wallet.ts";
import { type Answer, keys, outbox, replay, type TransferRequest, type Wallet, type Written } from "./transfer.ts";

export type Database = PostgresJsDatabase<typeof schema>;
type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];
const { wallets, wallet_transactions } = schema;

/** The two wallets by their ids, locked where asked; undefined for one that is not there. */
export async function readWallets(
  db: Database | Transaction,
  { from, to }: TransferRequest,
  how: "locked" | "unlocked",
): Promise<{ sender: Wallet | undefined; receiver: Wallet | undefined }> {
  const both = db
    .select()
    .from(wallets)
    .where(inArray(wallets.id, [from, to]))
    .orderBy(asc(wallets.id));
  const rows = await (how === "locked" ? both.for("no key update") : both).prepare(`wallets_${how}`).execute();
  const find = (id: string): Wallet | undefined => rows.find((row) => row.id === id);
  return { sender: find(from), receiver: find(to) };
}

/** Writes the wallet's new state; false where it no longer has the version before. */
export async function updateWallet(tx: Transaction, { id, balance, version, updated_at }: Wallet): Promise<boolean> {
  const [updated] = await tx
    .update(wallets)
    .set({ balance, version, updated_at })
    .where(and(eq(wallets.id, id), eq(wallets.version, version - 1)))
    .returning({ id: wallets.id })
    .prepare("update_wallet")
    .execute();
  return updated !== undefined;
}

/** Lines, events and key: what is only added. */
export async function insertRows(tx: Transaction, request: TransferRequest, written: Written): Promise<void> {
  await tx
    .insert(wallet_transactions)
    .values([...written.lines])
    .prepare("insert_lines")
    .execute();
  await tx
    .insert(outbox)
    .values([...written.events])
    .prepare("insert_events")
    .execute();
  await keepAnswer(tx, request, written.answer);
}

/** Unique: of two requests with one key the second fails here, and is answered from the first. */
export async function keepAnswer(tx: Transaction, request: TransferRequest, { status, body }: Answer): Promise<void> {
  const fingerprint = Buffer.from(request.fingerprint, "hex");
  const row = { key: request.key, fingerprint, status_code: status, response: body };
  await tx.insert(keys).values(row).prepare("insert_key").execute();
}

/** The answer that the key keeps. */
export async function storedAnswer(db: Database, { key, fingerprint }: TransferRequest): Promise<Answer | undefined> {
  const [stored] = await db.select().from(keys).where(eq(keys.key, key)).prepare("stored_answer").execute();
  return stored === undefined ? undefined : replay(stored, fingerprint);
}

/** Whether the error is that of a key which another request was first with. */
export function isUsedKey(error: unknown): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "23505";
}
