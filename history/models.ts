import { type TSchema, t } from "elysia";
import { HistoryEvent, WALLET_EVENT_TYPES } from "../shared/events.ts";
import type { DeadLetterRow, EventRow } from "./queries.ts";

/** The wire of the history service: what it answers, and how a row becomes it. */

const money = t.String({ pattern: "^(0|[1-9]\\d*)\\.\\d{4}$", examples: ["10.5000"] });
const instant = t.String({ format: "date-time", examples: ["2026-01-31T12:00:00.000000Z"] });
const id = t.String({ format: "uuid" });
const integer = (options: { minimum?: number; description?: string } = {}) => t.Integer({ minimum: 0, ...options });
const nullable = <Schema extends TSchema>(schema: Schema) => t.Union([schema, t.Null()]);

/** A page of a list. */
export function listOf<Schema extends TSchema>(item: Schema) {
  return t.Object(
    { items: t.Array(item), next_cursor: nullable(t.String()) },
    { title: `${item.title}List`, description: "next_cursor is null on the last page." },
  );
}

export const EVENT_TYPES = WALLET_EVENT_TYPES;
export const HistoryEventList = listOf(HistoryEvent);

/** An item of the lists and of the stream. Unknown fields of a newer writer are in `event_data`. */
export function toItem(row: EventRow): HistoryEvent {
  const { currency, transfer_id, counterparty_wallet_id, balance_after, description, reference } = row.event_data;
  return {
    id: row.id,
    event_type: row.event_data.type,
    wallet_id: row.wallet_id,
    user_id: row.user_id,
    amount: row.amount,
    currency,
    transaction_id: row.transaction_id,
    transfer_id,
    counterparty_wallet_id,
    balance_after,
    wallet_version: row.wallet_version,
    description,
    reference,
    occurred_at: row.occurred_at,
    created_at: row.created_at,
    event_data: row.event_data,
  };
}

export const Balance = t.Object(
  {
    wallet_id: id,
    currency: t.String(),
    balance: money,
    held: money,
    available: money,
    wallet_version: integer({ minimum: 1 }),
    as_of: instant,
  },
  { title: "Balance", description: "What the wallet's events come to. available = balance - held." },
);
export type Balance = typeof Balance.static;

export const PartitionLag = t.Object(
  {
    topic: t.String(),
    partition: integer(),
    committed_offset: integer({ description: "The next event to apply." }),
    end_offset: integer({ description: "The next event to be published." }),
    lag: integer({ description: "Events that are published and not applied." }),
    lag_seconds: t.Number({ minimum: 0, description: "Age of the oldest of them, within a tenth; 0 without any." }),
  },
  { title: "PartitionLag" },
);
export type PartitionLag = typeof PartitionLag.static;

export const Lag = t.Object(
  {
    partitions: t.Array(PartitionLag),
    lag: integer({ description: "Sum over the partitions." }),
    lag_seconds: t.Number({ minimum: 0, description: "The largest of the partitions." }),
    gaps: integer({ description: "Ranges of versions that are missing although later ones have arrived." }),
    dead_letters: integer({ description: "Messages that could not be applied, and were not replayed since." }),
  },
  { title: "Lag" },
);
export type Lag = typeof Lag.static;

export const DeadLetter = t.Object(
  {
    id,
    topic: t.String(),
    partition: integer(),
    offset: integer(),
    key: nullable(t.String({ description: "As text; bytes that are not UTF-8 show as U+FFFD." })),
    value_base64: nullable(t.String({ description: "The message's value, byte for byte." })),
    headers: t.Record(t.String(), t.Unknown()),
    reason: t.String({ description: "Why it could not be applied." }),
    created_at: instant,
    replayed_at: nullable(instant),
  },
  { title: "DeadLetter", description: "A message that could not be applied, as it came." },
);
export type DeadLetter = typeof DeadLetter.static;
export const DeadLetterList = listOf(DeadLetter);

export function toDeadLetter({ key, value, ...row }: DeadLetterRow): DeadLetter {
  return {
    id: row.id,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    key: key === null ? null : Buffer.from(key).toString("utf8"),
    value_base64: value === null ? null : Buffer.from(value).toString("base64"),
    headers: row.headers,
    reason: row.reason,
    created_at: row.created_at,
    replayed_at: row.replayed_at,
  };
}

const AT = "2026-01-31T12:00:00.000000Z";
const WALLET = "01890000-0000-7000-8000-000000000001";
const EVENT = {
  id: "01890000-0000-7000-8000-000000000021",
  wallet_id: WALLET,
  user_id: "alice",
  amount: "10.5000",
  currency: "USD",
  transaction_id: "01890000-0000-7000-8000-000000000011",
  transfer_id: null,
  counterparty_wallet_id: null,
  balance_after: "110.5000",
  wallet_version: 3,
  description: "Monthly top-up",
  reference: "INV-2026-001",
  occurred_at: AT,
} as const;

export const EXAMPLES = {
  event: {
    ...EVENT,
    event_type: "WALLET_FUNDED",
    created_at: "2026-01-31T12:00:00.040000Z",
    event_data: { ...EVENT, type: "WALLET_FUNDED", held_after: "0.0000", posting: "OWN" },
  } satisfies HistoryEvent,
  balance: {
    wallet_id: WALLET,
    currency: "USD",
    balance: "110.5000",
    held: "10.0000",
    available: "100.5000",
    wallet_version: 3,
    as_of: AT,
  } satisfies Balance,
  lag: {
    partitions: [
      { topic: "wallet-events", partition: 0, committed_offset: 120, end_offset: 121, lag: 1, lag_seconds: 0.02 },
    ],
    lag: 1,
    lag_seconds: 0.02,
    gaps: 0,
    dead_letters: 0,
  } satisfies Lag,
  dead_letter: {
    id: "01890000-0000-7000-8000-000000000031",
    topic: "wallet-events",
    partition: 3,
    offset: 42,
    key: WALLET,
    value_base64: "e30=",
    headers: { ce_specversion: "1.0" },
    reason: "the value is no event of this topic",
    created_at: AT,
    replayed_at: null,
  } satisfies DeadLetter,
} as const;
