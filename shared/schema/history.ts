import { boolean, integer, jsonb, pgSchema, primaryKey, smallint, text as unbounded, uuid } from "drizzle-orm/pg-core";
import type { WalletEvent } from "../events.ts";
import { bytes, count, currency, instant, ledgerMoney, money, text, total } from "./columns.ts";

/** Schema `history` as Drizzle sees it. `sql/migrations` is the truth; a test compares every column with it. */
export const historySchema = pgSchema("history");

/** The audit trail: every event of every wallet, once, append-only. */
export const transaction_events = historySchema.table("transaction_events", {
  id: uuid("id").primaryKey(),
  wallet_id: uuid("wallet_id").notNull(),
  user_id: text("user_id", { length: 100 }).notNull(),
  amount: money("amount").notNull(),
  event_type: text("event_type", { length: 30 }).notNull(),
  transaction_id: uuid("transaction_id"),
  wallet_version: count("wallet_version").notNull(),
  occurred_at: instant("occurred_at").notNull(),
  created_at: instant("created_at").notNull(),
  partition: smallint("partition").notNull(),
  position: count("position").notNull(),
  event_data: jsonb("event_data").$type<WalletEvent>().notNull(),
});

/** Per partition of the topic, the position last given to an event. */
export const stream_positions = historySchema.table("stream_positions", {
  partition: smallint("partition").primaryKey(),
  last_position: count("last_position").notNull(),
});

/** Versions of a wallet that have not arrived although later ones have. */
export const gaps = historySchema.table(
  "gaps",
  {
    wallet_id: uuid("wallet_id").notNull(),
    from_version: count("from_version").notNull(),
    to_version: count("to_version").notNull(),
    created_at: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.wallet_id, table.from_version] })],
);

/** Messages that could not be applied, as they came. */
export const dead_letters = historySchema.table("dead_letters", {
  id: uuid("id").primaryKey(),
  topic: unbounded("topic").notNull(),
  partition: integer("partition").notNull(),
  offset: count("offset").notNull(),
  key: bytes("key"),
  value: bytes("value"),
  headers: jsonb("headers").$type<Record<string, unknown>>().notNull(),
  reason: unbounded("reason").notNull(),
  created_at: instant("created_at").notNull(),
  replayed_at: instant("replayed_at"),
});

/** One row per account of the ledger: a wallet's, `external:USD`, `clearing:USD`. */
export const ledger_accounts = historySchema.table("ledger_accounts", {
  id: unbounded("id").primaryKey(),
  kind: text("kind", { length: 8 }).$type<"wallet" | "external" | "clearing">().notNull(),
  currency: currency("currency").notNull(),
  balance: ledgerMoney("balance"),
  applied_version: count("applied_version"),
  frozen: boolean("frozen").notNull(),
  created_at: instant("created_at").notNull(),
  updated_at: instant("updated_at").notNull(),
});

/** The postings of the ledger, two entries each; append-only. */
export const ledger_entries = historySchema.table(
  "ledger_entries",
  {
    id: uuid("id").notNull(),
    movement_id: uuid("movement_id").notNull(),
    transaction_id: uuid("transaction_id").notNull(),
    transfer_id: uuid("transfer_id"),
    account_id: unbounded("account_id").notNull(),
    direction: text("direction", { length: 6 }).$type<"DEBIT" | "CREDIT">().notNull(),
    amount: money("amount").notNull(),
    balance_after: ledgerMoney("balance_after"),
    created_at: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.account_id, table.id] })],
);

/** Sums of the ledger's entries by kind of account, for each partition of the topic that they came by. */
export const ledger_totals = historySchema.table(
  "ledger_totals",
  {
    partition: smallint("partition").notNull(),
    account_kind: text("account_kind", { length: 8 }).$type<"wallet" | "external" | "clearing">().notNull(),
    currency: currency("currency").notNull(),
    debits: total("debits").notNull(),
    credits: total("credits").notNull(),
  },
  (table) => [primaryKey({ columns: [table.partition, table.account_kind, table.currency] })],
);
