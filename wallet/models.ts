import { t } from "elysia";
import { amount, exact, optional, text, userId, uuid } from "../shared/http/fields.ts";

/** The wire of the wallet service: what routes accept and answer. */

const description = optional(text({ min: 0, max: 255, controls: true }));
const reference = optional(text({ min: 0, max: 100, controls: true }));

/** ISO 4217 codes that this runtime knows. */
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** What a wallet is opened in where the client does not say. */
export const DEFAULT_CURRENCY = "USD";

/** Whether the text is an ISO 4217 code, in upper case. */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}

const currency = t.String({
  pattern: "^[A-Z]{3}$",
  "x-rule": "must be an ISO 4217 currency code in upper case",
  "x-documented": { type: "string", enum: [...CURRENCIES] },
  examples: ["USD"],
});

/** Ids that `bun start` seeds, so that the API description can be tried at the first click. */
export const SEEDED = {
  alice: "01890000-0000-7000-8000-000000000001",
  bob: "01890000-0000-7000-8000-000000000002",
  /** The line that funds Alice's wallet. */
  funding: "01890000-0000-7000-8000-000000000011",
} as const;

const tried = (example: string) => exact({ id: t.String({ ...uuid, examples: [example] }) });
export const walletPath = tried(SEEDED.alice);
export const transactionPath = tried(SEEDED.funding);
export const userPath = exact({ user_id: t.String({ ...userId, examples: ["alice"] }) });

export const OpenBody = exact({ user_id: userId, currency: optional(currency) });
export const MovementBody = exact({ amount, description, reference });
export const TransferBody = exact({ to_wallet_id: uuid, amount, description, reference });

/** A transfer in which the ledger decides. Its key is in the body: it is the name of the attempt. */
export const SagaBody = exact({
  sender_wallet_id: uuid,
  receiver_wallet_id: uuid,
  amount,
  idempotency_key: t.String({
    pattern: "^[\\x21-\\x7e]{1,255}$",
    "x-rule": "must be 1 to 255 visible ASCII characters",
    examples: ["5a1f0c2e-order-1001"],
  }),
  description,
  reference,
});

export type SagaBody = typeof SagaBody.static;
export type OpenBody = typeof OpenBody.static;
export type MovementBody = typeof MovementBody.static;
export type TransferBody = typeof TransferBody.static;

export const TRANSACTION_TYPES = ["FUND", "WITHDRAW", "TRANSFER_OUT", "TRANSFER_IN"] as const;
export const SAGA_STATUSES = ["INITIATED", "SUCCESS", "FAILED"] as const;
export const TRANSACTION_STATUSES = ["COMPLETED", "FAILED"] as const;

const money = t.String({ pattern: "^-?\\d+\\.\\d{4}$", examples: ["10.5000"] });
const instant = t.String({ format: "date-time", examples: ["2026-01-31T12:00:00.000000Z"] });
const id = t.String({ format: "uuid" });
const nullable = <Schema extends ReturnType<typeof t.String>>(schema: Schema) => t.Union([schema, t.Null()]);
const version = t.Number({ minimum: 1, multipleOf: 1, description: "Number of the wallet's events so far." });

export const Wallet = t.Object(
  {
    id,
    user_id: t.String(),
    currency: t.String(),
    balance: money,
    held: money,
    available: money,
    status: t.Union([t.Literal("ACTIVE"), t.Literal("FROZEN")]),
    version,
    created_at: instant,
    updated_at: instant,
  },
  { title: "Wallet", description: "available = balance - held; held is what unfinished sagas have reserved." },
);

export const Transaction = t.Object(
  {
    id,
    wallet_id: id,
    type: t.Union(TRANSACTION_TYPES.map((type) => t.Literal(type))),
    status: t.Union(TRANSACTION_STATUSES.map((status) => t.Literal(status))),
    amount: money,
    currency: t.String(),
    balance_after: money,
    wallet_version: version,
    transfer_id: nullable(id),
    counterparty_wallet_id: nullable(id),
    description: nullable(t.String()),
    reference: nullable(t.String()),
    failure_code: nullable(t.String()),
    created_at: instant,
  },
  { title: "Transaction", description: "One line of one wallet; what does not apply is null." },
);

export const Transfer = t.Object(
  {
    id,
    from_wallet_id: id,
    to_wallet_id: id,
    amount: money,
    currency: t.String(),
    status: t.Literal("COMPLETED"),
    from_balance_after: money,
    from_wallet_version: version,
    description: nullable(t.String()),
    reference: nullable(t.String()),
    created_at: instant,
  },
  {
    title: "Transfer",
    description: "A finished transfer, as its sender sees it. Its id is that of the sender's line.",
  },
);

export const Saga = t.Object(
  {
    id,
    type: t.Literal("SAGA"),
    status: t.Union(SAGA_STATUSES.map((status) => t.Literal(status))),
    sender_wallet_id: id,
    receiver_wallet_id: id,
    amount: money,
    currency: t.String(),
    failure_code: nullable(t.String()),
    description: nullable(t.String()),
    reference: nullable(t.String()),
    created_at: instant,
    updated_at: instant,
  },
  { title: "Saga", description: "A transfer in which the ledger decides: the amount is held until it has." },
);

/** A page of a list. */
export function listOf<Schema extends typeof Wallet | typeof Transaction | typeof Saga>(item: Schema) {
  return t.Object(
    { items: t.Array(item), next_cursor: nullable(t.String()) },
    { title: `${item.title}List`, description: "next_cursor is null on the last page." },
  );
}

const AT = "2026-01-31T12:00:00.000000Z";

export const EXAMPLES = {
  wallet: {
    id: SEEDED.alice,
    user_id: "alice",
    currency: "USD",
    balance: "100.0000",
    held: "0.0000",
    available: "100.0000",
    status: "ACTIVE",
    version: 2,
    created_at: AT,
    updated_at: AT,
  },
  transaction: {
    id: SEEDED.funding,
    wallet_id: SEEDED.alice,
    type: "FUND",
    status: "COMPLETED",
    amount: "10.5000",
    currency: "USD",
    balance_after: "110.5000",
    wallet_version: 3,
    transfer_id: null,
    counterparty_wallet_id: null,
    description: "Monthly top-up",
    reference: "INV-2026-001",
    failure_code: null,
    created_at: AT,
  },
  transfer: {
    id: "01890000-0000-7000-8000-000000000013",
    from_wallet_id: SEEDED.alice,
    to_wallet_id: SEEDED.bob,
    amount: "3.0000",
    currency: "USD",
    status: "COMPLETED",
    from_balance_after: "107.5000",
    from_wallet_version: 4,
    description: "Lunch",
    reference: null,
    created_at: AT,
  },
  saga: {
    id: "01890000-0000-7000-8000-000000000016",
    type: "SAGA",
    status: "INITIATED",
    sender_wallet_id: SEEDED.alice,
    receiver_wallet_id: SEEDED.bob,
    amount: "2.0000",
    currency: "USD",
    failure_code: null,
    description: "Rent",
    reference: null,
    created_at: AT,
    updated_at: AT,
  },
} as const;
