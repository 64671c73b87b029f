/**
 * What the baselines share: the request, the rules and the rows of a transfer. They write the rows that the system writes
 * (both wallets, two lines, the key with its answer, two events), so that only the way of writing differs.
 */
import { text as unbounded, uuid } from "drizzle-orm/pg-core";
import { uuidv7 } from "../../shared/ids.ts";
import { formatAmount, type Money, money } from "../../shared/money.ts";
import { bytes, count, text } from "../../shared/schema/columns.ts";
import { walletSchema, type wallets } from "../../shared/schema/wallet.ts";
import { fingerprint } from "../../wallet/idempotency.ts";

export interface TransferRequest {
  readonly from: string;
  readonly to: string;
  /** Decimal string with four decimals. */
  readonly amount: string;
  readonly key: string;
  /** SHA-256 in hexadecimal. */
  readonly fingerprint: string;
}

export interface Answer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** Moves the money and keeps the answer under the key; a key that was used is answered from there. */
export type Transfer = (request: TransferRequest) => Promise<Answer>;

export type Wallet = typeof wallets.$inferSelect;

/** The outbox, of which Drizzle's tables for the services' reads know nothing; only the columns that a writer may give. */
export const outbox = walletSchema.table("outbox", {
  event_id: uuid("event_id").notNull(),
  aggregate_id: uuid("aggregate_id").notNull(),
  type: text("type", { length: 30 }).notNull(),
  payload: unbounded("payload").notNull(),
});

/** Without its time, which is the database's to give. */
export const keys = walletSchema.table("idempotency_keys", {
  key: unbounded("key").primaryKey(),
  fingerprint: bytes("fingerprint").notNull(),
  status_code: count("status_code").notNull(),
  response: unbounded("response").notNull(),
});

export function requestOf(from: string, body: { to_wallet_id: string; amount: string }, key: string): TransferRequest {
  const amount = formatAmount(money(body.amount));
  const { to_wallet_id: to } = body;
  return { from, to, amount, key, fingerprint: fingerprint("POST", `/wallets/${from}/transfer`, { to, amount }) };
}

/** What a transfer makes of two wallets. */
export interface Written {
  readonly sender: Wallet;
  readonly receiver: Wallet;
  readonly lines: readonly Line[];
  readonly events: readonly (typeof outbox.$inferInsert)[];
  readonly answer: Answer;
}

type Line = ReturnType<typeof lineOf>;

export const NOT_FOUND: Answer = { status: 404, body: '{"code":"wallet_not_found"}' };

/** The code of a refusal; undefined where the transfer may happen. */
export function refusalOf(sender: Wallet, receiver: Wallet, amount: Money): string | undefined {
  if (sender.id === receiver.id) return "same_wallet";
  if (sender.currency !== receiver.currency) return "currency_mismatch";
  if (sender.status === "FROZEN" || receiver.status === "FROZEN") return "wallet_frozen";
  if (money(sender.balance).minus(sender.held).lessThan(amount)) return "insufficient_funds";
  return undefined;
}

/** The rows of a transfer between the wallets as they are now. */
export function write(request: TransferRequest, sender: Wallet, receiver: Wallet, now: Date): Written {
  const amount = money(request.amount);
  const at = now.toISOString().replace("Z", "000Z");
  const [id, in_line_id] = [uuidv7(), uuidv7()];
  const after = (wallet: Wallet, balance: Money): Wallet => ({
    ...wallet,
    balance: formatAmount(balance),
    version: wallet.version + 1,
    updated_at: at,
  });
  const paid = after(sender, money(sender.balance).minus(amount));
  const received = after(receiver, money(receiver.balance).plus(amount));
  const lines = [
    lineOf(id, "TRANSFER_OUT", paid, received.id, id, request.amount),
    lineOf(in_line_id, "TRANSFER_IN", received, paid.id, id, request.amount),
  ];
  const response = JSON.stringify({
    id,
    from_wallet_id: paid.id,
    to_wallet_id: received.id,
    amount: request.amount,
    currency: paid.currency,
    status: "COMPLETED",
    from_balance_after: paid.balance,
    from_wallet_version: paid.version,
    description: null,
    reference: null,
    created_at: at,
  });
  const events = [eventOf(lines[0], paid), eventOf(lines[1], received)];
  return { sender: paid, receiver: received, lines, events, answer: { status: 201, body: response } };
}

function lineOf(
  id: string,
  type: "TRANSFER_OUT" | "TRANSFER_IN",
  wallet: Wallet,
  counterparty_wallet_id: string,
  transfer_id: string,
  amount: string,
) {
  return {
    id,
    wallet_id: wallet.id,
    wallet_version: wallet.version,
    type,
    status: "COMPLETED",
    amount,
    balance_after: wallet.balance,
    transfer_id,
    counterparty_wallet_id,
    description: null,
    reference: null,
    failure_code: null,
    created_at: wallet.updated_at,
  };
}

function eventOf(line: Line | undefined, wallet: Wallet): typeof outbox.$inferInsert {
  if (line === undefined) throw new Error("a transfer has two lines");
  const event_id = uuidv7();
  const payload = JSON.stringify({
    id: event_id,
    type: line.type,
    wallet_id: wallet.id,
    user_id: wallet.user_id,
    wallet_version: wallet.version,
    transaction_id: line.id,
    transfer_id: line.transfer_id,
    counterparty_wallet_id: line.counterparty_wallet_id,
    amount: line.amount,
    currency: wallet.currency,
    balance_after: wallet.balance,
    held_after: wallet.held,
    posting: "OWN",
    description: null,
    reference: null,
    occurred_at: line.created_at,
  });
  return { event_id, aggregate_id: wallet.id, type: line.type, payload };
}

/** The answer that the key keeps, or a refusal where it keeps that of another request. */
export function replay(
  stored: { fingerprint: Uint8Array; status_code: number; response: string },
  wanted: string,
): Answer {
  if (Buffer.from(stored.fingerprint).toString("hex") !== wanted)
    return { status: 422, body: '{"code":"idempotency_key_reused"}' };
  return { status: stored.status_code, body: stored.response };
}
