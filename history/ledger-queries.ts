import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import { read } from "../shared/read.ts";
import { ledger_accounts, ledger_entries, ledger_totals, transaction_events } from "../shared/schema/history.ts";
import type { HistoryDatabase } from "./queries.ts";

/** Reads of the ledger. All throw the Problem `unavailable` where the database cannot answer. */

export interface AccountRow {
  readonly id: string;
  readonly kind: "wallet" | "external" | "clearing";
  readonly currency: string;
  readonly balance: string;
  readonly frozen: boolean;
}

export type EntryRow = typeof ledger_entries.$inferSelect;

/** The trial balance of one currency. */
export interface BalanceRow {
  readonly currency: string;
  readonly debits: string;
  readonly credits: string;
  readonly difference: string;
  readonly external: string;
  readonly clearing: string;
  readonly wallets: string;
}

export type LedgerQueries = ReturnType<typeof createLedgerQueries>;

const [account, entry, total] = [ledger_accounts, ledger_entries, ledger_totals];
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

export function createLedgerQueries(db: HistoryDatabase) {
  const prepared = prepare(db);
  return {
    async account(id: string): Promise<AccountRow | undefined> {
      const [row] = await read(prepared.account.execute({ id }));
      return row;
    },
    /** The newest first, behind the one with the id `after`. */
    entriesOfAccount(account_id: string, after: string | undefined, limit: number): Promise<EntryRow[]> {
      return read(prepared.entriesOfAccount.execute({ account_id, after: after ?? LAST_ID, limit }));
    },
    /** In the order in which they were posted; `id` is any of the movement's ids. */
    entriesOfMovement(id: string): Promise<EntryRow[]> {
      return read(prepared.entriesOfMovement.execute({ id }));
    },
    trialBalance(): Promise<BalanceRow[]> {
      return read(prepared.trialBalance.execute());
    },
  };
}

function prepare(db: HistoryDatabase) {
  const ofKind = sql`
    (select sum(${total.credits} - ${total.debits}) from ${total}
      where ${total.account_kind} = ${account.kind} and ${total.currency} = ${account.currency})`;
  // The line of a settled saga was posted under the saga's id, and only the line's event knows both.
  const movement = sql`
    coalesce(
      (select coalesce((${transaction_events.event_data} ->> 'transfer_id')::uuid, ${transaction_events.transaction_id})
         from ${transaction_events} where ${transaction_events.transaction_id} = ${sql.placeholder("id")} limit 1),
      ${sql.placeholder("id")}::uuid)`;
  return {
    account: db
      .select({
        id: account.id,
        kind: account.kind,
        currency: account.currency,
        balance: sql<string>`coalesce(${account.balance}, ${ofKind}, 0.0000)`,
        frozen: account.frozen,
      })
      .from(account)
      .where(eq(account.id, sql.placeholder("id")))
      .prepare("ledger_account"),
    entriesOfAccount: db
      .select()
      .from(entry)
      .where(and(eq(entry.account_id, sql.placeholder("account_id")), lt(entry.id, sql.placeholder("after"))))
      .orderBy(desc(entry.id))
      .limit(sql.placeholder("limit"))
      .prepare("entries_of_account"),
    entriesOfMovement: db
      .select()
      .from(entry)
      .where(eq(entry.movement_id, movement))
      .orderBy(asc(entry.id))
      .prepare("entries_of_movement"),
    trialBalance: prepareTrialBalance(db),
  };
}

/**
 * Debits and credits come from the entries' totals, the wallets' balances from their accounts: two records of the same
 * that are kept apart, so their agreement says something. One statement, hence one moment.
 */
function prepareTrialBalance(db: HistoryDatabase) {
  const sumOfKind = (kind: "external" | "clearing") =>
    sql<string>`coalesce(sum(${total.credits} - ${total.debits}) filter (where ${total.account_kind} = ${kind}), 0.0000)`;
  const totals = db
    .select({
      currency: total.currency,
      debits: sql<string>`sum(${total.debits})`.as("debits"),
      credits: sql<string>`sum(${total.credits})`.as("credits"),
      external: sumOfKind("external").as("external"),
      clearing: sumOfKind("clearing").as("clearing"),
    })
    .from(total)
    .groupBy(total.currency)
    .as("totals");
  const wallets = db
    .select({ currency: account.currency, balance: sql<string>`sum(${account.balance})`.as("balance") })
    .from(account)
    .where(eq(account.kind, "wallet"))
    .groupBy(account.currency)
    .as("wallets");
  const orZero = (column: typeof totals.debits) => sql<string>`coalesce(${column}, 0.0000)`;
  return db
    .select({
      currency: wallets.currency,
      debits: orZero(totals.debits),
      credits: orZero(totals.credits),
      difference: sql<string>`coalesce(${totals.debits} - ${totals.credits}, 0.0000)`,
      external: orZero(totals.external),
      clearing: orZero(totals.clearing),
      wallets: wallets.balance,
    })
    .from(wallets)
    .leftJoin(totals, eq(totals.currency, wallets.currency))
    .orderBy(asc(wallets.currency))
    .prepare("trial_balance");
}
