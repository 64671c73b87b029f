import { eventFault, isLedgerEvent, isWalletEvent, type LedgerEvent, type Typed, type WalletEvent } from "./events.ts";

/**
 * Events as Kafka messages: CloudEvents 1.0 in the binary mode of its Kafka binding (§3.2: `ce_` headers, the value is
 * the data). The value's bytes are exactly the outbox's payload, so an event that is sent again is the same bytes.
 */

/** Who an event comes from (`ce_source`). */
export const SOURCES = {
  wallet: "urn:wallet:wallet-service",
  history: "urn:wallet:history-service",
} as const;
export type Source = (typeof SOURCES)[keyof typeof SOURCES];

/** A row of the outbox, as the relay reads it. */
export interface OutboxRow {
  readonly event_id: string;
  readonly aggregate_id: string;
  readonly type: string;
  /** The JSON text as it was written. */
  readonly payload: string;
  /** W3C Trace Context of the request that caused the event. */
  readonly traceparent: string | null;
}

/** A message to send: the key keeps one wallet's events in one partition, in order. */
export interface OutgoingMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/** What is read of a message that has arrived. */
export interface IncomingMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

export type Parsed<Event> =
  | { readonly ok: true; readonly event: Event; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** The message of an outbox row. Its `ce_time` is when the event occurred, which the payload knows. */
export function toMessage(row: OutboxRow, source: Source): OutgoingMessage {
  const headers: Record<string, string> = {
    ce_specversion: "1.0",
    ce_id: row.event_id,
    ce_source: source,
    ce_type: row.type,
    ce_subject: row.aggregate_id,
    "content-type": "application/json",
  };
  const event: unknown = JSON.parse(row.payload);
  if (has(event, "occurred_at")) headers.ce_time = event.occurred_at;
  if (row.traceparent !== null) headers.traceparent = row.traceparent;
  return { key: row.aggregate_id, value: row.payload, headers };
}

/** The event of a message on `wallet-events`; `text` is the value as it was sent. Reasons never quote the message. */
export function parseWalletEvent(message: IncomingMessage): Parsed<WalletEvent> {
  return parse(message, isWalletEvent);
}

/** The event of a message on `ledger-events`. */
export function parseLedgerEvent(message: IncomingMessage): Parsed<LedgerEvent> {
  return parse(message, isLedgerEvent);
}

// Of invalid UTF-8 and a byte order mark, nothing is repaired silently: the stored text must be what was sent.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parse<Event extends WalletEvent | LedgerEvent>(
  message: IncomingMessage,
  isEvent: (value: Typed) => value is Event & Typed,
): Parsed<Event> {
  if (message.value === null) return refused("the message has no value");
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(message.value);
    value = JSON.parse(text);
  } catch (error) {
    return refused(error instanceof SyntaxError ? "the value is not JSON" : "the value is not UTF-8");
  }
  if (!has(value, "type")) return refused("the value is no event of this topic");
  if (!isEvent(value)) {
    const fault = eventFault(value);
    return refused(
      fault === undefined || fault === "/type"
        ? "the value is no event of this topic"
        : `the event breaks its schema at ${fault}`,
    );
  }
  const contradiction = contradicted(message, value);
  return contradiction === undefined ? { ok: true, event: value, text } : refused(contradiction);
}

/** The value alone is the event; a key or header may be missing, but must not say something else. */
function contradicted(message: IncomingMessage, event: WalletEvent | LedgerEvent): string | undefined {
  if (message.key !== null && message.key.toString("utf8") !== event.wallet_id) return "the key is not the wallet's id";
  const said = message.headers;
  if (said.ce_specversion !== undefined && said.ce_specversion !== "1.0") return "ce_specversion is not 1.0";
  if (said.ce_id !== undefined && said.ce_id !== event.id) return "ce_id is not the event's id";
  if (said.ce_type !== undefined && said.ce_type !== event.type) return "ce_type is not the event's type";
  return undefined;
}

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, string> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, name) === "string";
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
