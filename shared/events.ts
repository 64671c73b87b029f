import { type Static, type TObject, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";

/**
 * What travels on the topics: the schemas that the types, the JSON Schemas in `events/` and the items of the history's
 * API come from. How an event becomes a Kafka message and back is `shared/cloudevents.ts`.
 */

/** Text forms are patterns, not formats, because a format is only known where somebody has registered it. */
const Uuid = Type.String({ pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" });
const Amount = Type.String({
  pattern: "^(0|[1-9][0-9]{0,14})\\.[0-9]{4}$",
  description: "Decimal with exactly four places, of the event's currency",
});
const Zero = Type.Literal("0.0000");
const Currency = Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217 code" });
const Instant = Type.String({
  pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$",
  description: "RFC 3339 in UTC with microseconds",
});
// Lengths are not checked here: they count code points, JavaScript counts UTF-16 units, and the columns hold the rule.
const Text = Type.Union([Type.String(), Type.Null()]);
const None = Type.Null();
const MaybeUuid = Type.Union([Uuid, Type.Null()]);

/** What the ledger does on an event: post this leg, decide a saga, or nothing (it is for the audit trail only). */
const own = Type.Literal("OWN");
const saga = Type.Literal("SAGA");
const none = Type.Literal("NONE");

export const WALLET_EVENT_TYPES = [
  "WALLET_CREATED",
  "WALLET_FUNDED",
  "WALLET_WITHDRAWN",
  "TRANSFER_OUT",
  "TRANSFER_IN",
  "TRANSFER_FAILED",
  "WALLET_RESERVED",
  "RESERVATION_RELEASED",
  "WALLET_FROZEN",
  "WALLET_UNFROZEN",
] as const;
export const LEDGER_EVENT_TYPES = ["LEDGER_SUCCESS", "LEDGER_FAILED"] as const;
/** Every type on either topic. */
export const EVENT_TYPES = [...WALLET_EVENT_TYPES, ...LEDGER_EVENT_TYPES] as const;

export type WalletEventType = (typeof WALLET_EVENT_TYPES)[number];
export type LedgerEventType = (typeof LEDGER_EVENT_TYPES)[number];
export type EventType = (typeof EVENT_TYPES)[number];

const literals = <const T extends readonly string[]>(values: T) =>
  Type.Union(values.map((value) => Type.Literal(value as T[number])));

const walletFields = {
  id: Uuid,
  type: literals(WALLET_EVENT_TYPES),
  wallet_id: Uuid,
  user_id: Type.String(),
  wallet_version: Type.Integer({ minimum: 1, description: "1, 2, 3 … without a gap for each wallet" }),
  transaction_id: MaybeUuid,
  transfer_id: MaybeUuid,
  counterparty_wallet_id: MaybeUuid,
  amount: Amount,
  currency: Currency,
  balance_after: Amount,
  held_after: Amount,
  posting: Type.Union([own, saga, none]),
  description: Text,
  reference: Text,
  occurred_at: Instant,
};

/** An event of a wallet, the value of a message on `wallet-events`. */
export const WalletEvent = Type.Object(walletFields);
export type WalletEvent = Static<typeof WalletEvent>;

/** The ledger's decision on a saga, the value of a message on `ledger-events`, keyed by the sender's wallet. */
export const LedgerEvent = Type.Object({
  id: Uuid,
  type: literals(LEDGER_EVENT_TYPES),
  transaction_id: Uuid,
  wallet_id: Uuid,
  receiver_wallet_id: Uuid,
  amount: Amount,
  currency: Currency,
  reason: Type.Union([Type.String(), Type.Null()], { description: "Why the ledger refused; null on success" }),
  occurred_at: Instant,
});
export type LedgerEvent = Static<typeof LedgerEvent>;

/** One line of a movement: the fields that say which, and with whom. */
const standing = { transaction_id: None, transfer_id: None, counterparty_wallet_id: None, amount: Zero, posting: none };
const single = { transaction_id: Uuid, transfer_id: None, counterparty_wallet_id: None, posting: own };
const side = { transaction_id: Uuid, transfer_id: Uuid, counterparty_wallet_id: Uuid };

/** What each type of wallet event narrows; the rest is {@link WalletEvent}'s. */
const walletRules: Record<WalletEventType, Partial<TObject["properties"]>> = {
  WALLET_CREATED: { ...standing, balance_after: Zero, held_after: Zero, wallet_version: Type.Literal(1) },
  WALLET_FUNDED: single,
  WALLET_WITHDRAWN: single,
  // The lines of a settled saga are not the ledger's to post again: their `posting` is NONE.
  TRANSFER_OUT: { ...side, posting: Type.Union([own, none]) },
  TRANSFER_IN: { ...side, posting: Type.Union([own, none]) },
  // A withdrawal fails without a counterparty and without a transfer.
  TRANSFER_FAILED: { transaction_id: Uuid, posting: none },
  WALLET_RESERVED: { ...side, posting: saga },
  RESERVATION_RELEASED: { ...side, posting: none },
  WALLET_FROZEN: standing,
  WALLET_UNFROZEN: standing,
};

const ledgerRules: Record<LedgerEventType, Partial<TObject["properties"]>> = {
  LEDGER_SUCCESS: { reason: None },
  LEDGER_FAILED: { reason: Type.String({ minLength: 1 }) },
};

/** The schema of one type of event. Unknown fields are allowed: a newer writer may add some before its readers know. */
export function eventSchema(type: EventType): TObject {
  const [base, rules] = isLedgerType(type) ? [LedgerEvent, ledgerRules[type]] : [WalletEvent, walletRules[type]];
  const properties = { ...base.properties, ...rules, type: Type.Literal(type) } as TObject["properties"];
  return Type.Object(properties, { title: type });
}

const checks = new Map(EVENT_TYPES.map((type) => [type as string, TypeCompiler.Compile(eventSchema(type))]));

/** What claims to be an event. */
export interface Typed {
  readonly type: string;
}

/** The field that breaks the schema of the event's own type, as a JSON Pointer, or undefined where there is none. */
export function eventFault(event: Typed): string | undefined {
  const check = checks.get(event.type);
  if (check === undefined) return "/type";
  return check.Check(event) ? undefined : (check.Errors(event).First()?.path ?? "/");
}

export function isWalletEvent(value: Typed): value is WalletEvent {
  return !isLedgerType(value.type) && eventFault(value) === undefined;
}

export function isLedgerEvent(value: Typed): value is LedgerEvent {
  return isLedgerType(value.type) && eventFault(value) === undefined;
}

export function isLedgerType(type: string): type is LedgerEventType {
  return LEDGER_EVENT_TYPES.some((each) => each === type);
}

/** An item of the history's lists and of its event stream. */
export const HistoryEvent = Type.Object(
  {
    id: Uuid,
    event_type: literals(WALLET_EVENT_TYPES),
    wallet_id: Uuid,
    user_id: Type.String(),
    amount: Amount,
    currency: Currency,
    transaction_id: MaybeUuid,
    transfer_id: MaybeUuid,
    counterparty_wallet_id: MaybeUuid,
    balance_after: Amount,
    wallet_version: Type.Integer({ minimum: 1 }),
    description: Text,
    reference: Text,
    occurred_at: Instant,
    created_at: Instant,
    event_data: WalletEvent,
  },
  { title: "HistoryEvent" },
);
export type HistoryEvent = Static<typeof HistoryEvent>;
