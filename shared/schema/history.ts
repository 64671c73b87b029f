import { integer, jsonb, pgSchema, primaryKey, smallint, text as unbounded, uuid } from "drizzle-orm/pg-core";
import type { WalletEvent } from "../events.ts";
import { bytes, count, instant, money, text } from "./columns.ts";

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
