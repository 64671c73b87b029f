import { and, asc, desc, eq, gt, gte, inArray, lt, ne, type SQL, sql } from "drizzle-orm";
import { unionAll } from "drizzle-orm/pg-core";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { read } from "../shared/read.ts";
import * as schema from "../shared/schema/wallet.ts";

/** Reads of the wallet service. The hot ones are prepared by name: one round trip each. */

export type WalletDatabase = PostgresJsDatabase<typeof schema>;

const { wallets, wallet_transactions, transfer_sagas } = schema;

export type WalletRow = typeof wallets.$inferSelect & { readonly available: string };
export type TransactionRow = typeof wallet_transactions.$inferSelect & { readonly currency: string };

export type SagaRow = Omit<typeof transfer_sagas.$inferSelect, "idempotency_key" | "reservation_event" | "resent_at">;

export interface SagaFilter {
  /** Sender or receiver. */
  readonly wallet_id: string;
  readonly status: string | undefined;
  /** The id behind which the page begins. */
  readonly after: string | undefined;
  readonly limit: number;
}

export interface TransactionFilter {
  readonly wallet_id: string;
  readonly type: string | undefined;
  readonly status: string | undefined;
  readonly reference: string | undefined;
  /** Inclusive. */
  readonly from: string | undefined;
  /** Exclusive. */
  readonly to: string | undefined;
  readonly order: "asc" | "desc";
  /** The version behind which the page begins. */
  readonly after: string | undefined;
  readonly limit: number;
}

export type Queries = ReturnType<typeof createQueries>;

const walletFields = {
  id: wallets.id,
  user_id: wallets.user_id,
  currency: wallets.currency,
  balance: wallets.balance,
  held: wallets.held,
  available: sql<string>`(${wallets.balance} - ${wallets.held})`.as("available"),
  status: wallets.status,
  version: wallets.version,
  created_at: wallets.created_at,
  updated_at: wallets.updated_at,
};

const transactionFields = {
  id: wallet_transactions.id,
  wallet_id: wallet_transactions.wallet_id,
  type: wallet_transactions.type,
  status: wallet_transactions.status,
  amount: wallet_transactions.amount,
  currency: wallets.currency,
  balance_after: wallet_transactions.balance_after,
  wallet_version: wallet_transactions.wallet_version,
  transfer_id: wallet_transactions.transfer_id,
  counterparty_wallet_id: wallet_transactions.counterparty_wallet_id,
  description: wallet_transactions.description,
  reference: wallet_transactions.reference,
  failure_code: wallet_transactions.failure_code,
  created_at: wallet_transactions.created_at,
};

const sagaFields = {
  id: transfer_sagas.id,
  status: transfer_sagas.status,
  sender_wallet_id: transfer_sagas.sender_wallet_id,
  receiver_wallet_id: transfer_sagas.receiver_wallet_id,
  amount: transfer_sagas.amount,
  currency: transfer_sagas.currency,
  failure_code: transfer_sagas.failure_code,
  description: transfer_sagas.description,
  reference: transfer_sagas.reference,
  created_at: transfer_sagas.created_at,
  updated_at: transfer_sagas.updated_at,
};

export function createQueries(db: WalletDatabase) {
  const lists = new Map<string, ReturnType<typeof prepareList>>();
  const walletById = db
    .select(walletFields)
    .from(wallets)
    .where(eq(wallets.id, sql.placeholder("id")))
    .prepare("wallet_by_id");
  const transactionById = db
    .select(transactionFields)
    .from(wallet_transactions)
    .innerJoin(wallets, eq(wallets.id, wallet_transactions.wallet_id))
    .where(eq(wallet_transactions.id, sql.placeholder("id")))
    .prepare("transaction_by_id");
  const sagaById = db
    .select(sagaFields)
    .from(transfer_sagas)
    .where(eq(transfer_sagas.id, sql.placeholder("id")))
    .prepare("saga_by_id");

  return {
    async saga(id: string): Promise<SagaRow | undefined> {
      const [row] = await read(sagaById.execute({ id }));
      return row;
    },
    /** Those of the sagas that have ended. */
    finalSagas(ids: readonly string[]): Promise<SagaRow[]> {
      const query = db
        .select(sagaFields)
        .from(transfer_sagas)
        .where(and(inArray(transfer_sagas.id, [...ids]), ne(transfer_sagas.status, "INITIATED")));
      return read(query);
    },
    /** Those that wait for the ledger, and how old the oldest is, in seconds by the database's clock. */
    async unfinishedSagas(): Promise<{ readonly count: number; readonly oldest_age_s: number }> {
      const age = sql<number>`coalesce(extract(epoch from now() - min(${transfer_sagas.created_at})), 0)::float8`;
      const query = db
        .select({ count: sql<number>`count(*)::int`, oldest_age_s: age })
        .from(transfer_sagas)
        .where(eq(transfer_sagas.status, "INITIATED"));
      const [row] = await read(query);
      return row ?? { count: 0, oldest_age_s: 0 };
    },
    /** Newest first. Each side has its index, so each is asked for a page of its own. */
    sagasOfWallet({ wallet_id, status, after, limit }: SagaFilter): Promise<SagaRow[]> {
      const side = (column: typeof transfer_sagas.sender_wallet_id | typeof transfer_sagas.receiver_wallet_id) =>
        db
          .select(sagaFields)
          .from(transfer_sagas)
          .where(
            and(
              eq(column, wallet_id),
              status === undefined ? undefined : eq(transfer_sagas.status, status),
              after === undefined ? undefined : lt(transfer_sagas.id, after),
            ),
          )
          .orderBy(desc(transfer_sagas.id))
          .limit(limit);
      const query = unionAll(side(transfer_sagas.sender_wallet_id), side(transfer_sagas.receiver_wallet_id))
        .orderBy(desc(sql`id`))
        .limit(limit);
      return read(query);
    },
    async wallet(id: string): Promise<WalletRow | undefined> {
      const [row] = await read(walletById.execute({ id }));
      return row;
    },
    async transaction(id: string): Promise<TransactionRow | undefined> {
      const [row] = await read(transactionById.execute({ id }));
      return row;
    },
    /** The user's wallets in the order in which they were opened, behind the one with the id `after`. */
    walletsOfUser(userId: string, after: string | undefined, limit: number): Promise<WalletRow[]> {
      const behind = after === undefined ? undefined : gt(wallets.id, after);
      const query = db
        .select(walletFields)
        .from(wallets)
        .where(and(eq(wallets.user_id, userId), behind))
        .orderBy(asc(wallets.id))
        .limit(limit);
      return read(query);
    },
    transactionsOfWallet(filter: TransactionFilter): Promise<TransactionRow[]> {
      const asked = FILTERS.filter((name) => filter[name] !== undefined);
      const shape = ["lines", filter.order, ...asked].join("_");
      const query = lists.get(shape) ?? prepareList(db, shape, filter.order, asked);
      lists.set(shape, query);
      return read(query.execute({ ...filter }));
    },
  };
}

/** What narrows a list of lines, each optional. */
const FILTERS = ["type", "status", "reference", "from", "to", "after"] as const;
type FilterName = (typeof FILTERS)[number];

/** One prepared query for each set of filters that is asked for, at most 128: each is planned for its own conditions. */
function prepareList(db: WalletDatabase, name: string, order: "asc" | "desc", asked: readonly FilterName[]) {
  const line = wallet_transactions;
  const [towards, behind] = order === "asc" ? [asc, gt] : [desc, lt];
  const conditions: Record<FilterName, SQL> = {
    type: eq(line.type, sql.placeholder("type")),
    status: eq(line.status, sql.placeholder("status")),
    reference: eq(line.reference, sql.placeholder("reference")),
    from: gte(line.created_at, sql.placeholder("from")),
    to: lt(line.created_at, sql.placeholder("to")),
    after: behind(line.wallet_version, sql.placeholder("after")),
  };
  return db
    .select(transactionFields)
    .from(line)
    .innerJoin(wallets, eq(wallets.id, line.wallet_id))
    .where(and(eq(line.wallet_id, sql.placeholder("wallet_id")), ...asked.map((each) => conditions[each])))
    .orderBy(towards(line.wallet_version))
    .limit(sql.placeholder("limit"))
    .prepare(name);
}
