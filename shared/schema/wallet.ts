import { json, pgSchema, smallint, text as unbounded, uuid } from "drizzle-orm/pg-core";
import { bytes, count, currency, instant, money, text } from "./columns.ts";

/** Schema `wallet` as Drizzle sees it. `sql/migrations` is the truth; a test compares every column with it. */
export const walletSchema = pgSchema("wallet");

export const wallets = walletSchema.table("wallets", {
  id: uuid("id").primaryKey(),
  user_id: text("user_id", { length: 100 }).notNull(),
  currency: currency("currency").notNull(),
  balance: money("balance").notNull(),
  held: money("held").notNull(),
  status: text("status", { length: 6 }).notNull(),
  version: count("version").notNull(),
  created_at: instant("created_at").notNull(),
  updated_at: instant("updated_at").notNull(),
});

export const wallet_transactions = walletSchema.table("wallet_transactions", {
  id: uuid("id").primaryKey(),
  wallet_id: uuid("wallet_id").notNull(),
  wallet_version: count("wallet_version").notNull(),
  type: text("type", { length: 12 }).notNull(),
  status: text("status", { length: 9 }).notNull(),
  amount: money("amount").notNull(),
  balance_after: money("balance_after").notNull(),
  transfer_id: uuid("transfer_id"),
  counterparty_wallet_id: uuid("counterparty_wallet_id"),
  description: text("description", { length: 255 }),
  reference: text("reference", { length: 100 }),
  failure_code: text("failure_code", { length: 40 }),
  created_at: instant("created_at").notNull(),
});

export const transfer_sagas = walletSchema.table("transfer_sagas", {
  id: uuid("id").primaryKey(),
  sender_wallet_id: uuid("sender_wallet_id").notNull(),
  receiver_wallet_id: uuid("receiver_wallet_id").notNull(),
  amount: money("amount").notNull(),
  currency: currency("currency").notNull(),
  status: text("status", { length: 9 }).notNull(),
  failure_code: text("failure_code", { length: 40 }),
  description: text("description", { length: 255 }),
  reference: text("reference", { length: 100 }),
  idempotency_key: unbounded("idempotency_key").notNull(),
  reservation_event: json("reservation_event"),
  resent_at: instant("resent_at"),
  created_at: instant("created_at").notNull(),
  updated_at: instant("updated_at").notNull(),
});

export const idempotency_keys = walletSchema.table("idempotency_keys", {
  key: unbounded("key").primaryKey(),
  fingerprint: bytes("fingerprint").notNull(),
  status_code: smallint("status_code").notNull(),
  response: unbounded("response").notNull(),
  created_at: instant("created_at").notNull(),
});
