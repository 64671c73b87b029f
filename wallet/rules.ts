import { BALANCE_LIMIT, formatAmount, type Money, money, ZERO } from "../shared/money.ts";
import type { Operation } from "./operation.ts";

/**
 * The rules of money, as one pure function over a plain state: what `wallet.apply_operations` does, written a second time in
 * another language. The property tests compare the two; nothing else runs it.
 */

export interface WalletState {
  readonly user_id: string;
  readonly currency: string;
  readonly balance: Money;
  readonly held: Money;
  readonly status: "ACTIVE" | "FROZEN";
  readonly version: number;
}

export interface SagaState {
  readonly sender: string;
  readonly receiver: string;
  readonly amount: Money;
  readonly status: "INITIATED" | "SUCCESS" | "FAILED";
}

/** An answer that a key keeps. */
export interface KeptAnswer {
  readonly fingerprint: string;
  readonly status: number;
  readonly code: string | null;
}

export interface State {
  readonly wallets: ReadonlyMap<string, WalletState>;
  readonly sagas: ReadonlyMap<string, SagaState>;
  readonly keys: ReadonlyMap<string, KeptAnswer>;
}

export const EMPTY: State = { wallets: new Map(), sagas: new Map(), keys: new Map() };

/** One event, without its ids and its time. */
export interface RuleEvent {
  readonly type: string;
  readonly posting: "OWN" | "SAGA" | "NONE";
  readonly wallet_id: string;
  readonly wallet_version: number;
  readonly amount: string;
  readonly balance_after: string;
  readonly held_after: string;
  readonly transaction_id: string | null;
  readonly transfer_id: string | null;
  readonly counterparty_wallet_id: string | null;
}

export interface Ruling {
  readonly status: number;
  readonly code: string | null;
  readonly replayed: boolean;
  readonly events: readonly RuleEvent[];
}

/** What becomes of one operation, and the state behind it. */
export function rule(state: State, operation: Operation): { readonly state: State; readonly ruling: Ruling } {
  const keyed = "key" in operation ? operation : undefined;
  const kept = keyed && state.keys.get(keyed.key);
  if (keyed && kept) {
    const same = kept.fingerprint === keyed.fingerprint;
    const ruling = same ? { ...kept, replayed: true } : refused(422, "idempotency_key_reused");
    return { state, ruling: { status: ruling.status, code: same ? null : ruling.code, replayed: same, events: [] } };
  }
  const decided = decide(state, operation);
  const { status, code } = decided.ruling;
  if (!keyed || (status >= 300 && status !== 422)) return decided;
  const keys = new Map(state.keys).set(keyed.key, { fingerprint: keyed.fingerprint, status, code });
  return { ...decided, state: { ...decided.state, keys } };
}

interface Decision {
  readonly state: State;
  readonly ruling: Ruling;
}

function decide(state: State, operation: Operation): Decision {
  switch (operation.kind) {
    case "CREATE": {
      const { id, user_id, currency } = operation;
      const wallet: WalletState = { user_id, currency, balance: ZERO, held: ZERO, status: "ACTIVE", version: 1 };
      const event = eventOf("WALLET_CREATED", id, wallet, ZERO);
      return { state: put(state, { [id]: wallet }), ruling: done(201, [event]) };
    }
    case "FREEZE":
    case "UNFREEZE":
      return decideFreeze(state, operation);
    case "SETTLE":
    case "RELEASE":
      return decideSettlement(state, operation);
    case "FUND":
    case "WITHDRAW":
    case "TRANSFER":
    case "RESERVE":
      return decideMovement(state, operation);
  }
}

type Of<Kind> = Extract<Operation, { kind: Kind }>;

function decideFreeze(state: State, { kind, wallet_id, if_match }: Of<"FREEZE" | "UNFREEZE">): Decision {
  const wallet = state.wallets.get(wallet_id);
  if (!wallet) return { state, ruling: refused(404, "wallet_not_found") };
  if (if_match && !if_match.includes(wallet.version)) return { state, ruling: refused(412, "version_mismatch") };
  const status = kind === "FREEZE" ? "FROZEN" : "ACTIVE";
  if (wallet.status === status) return { state, ruling: done(200, []) };
  const next: WalletState = { ...wallet, status, version: wallet.version + 1 };
  const event = eventOf(kind === "FREEZE" ? "WALLET_FROZEN" : "WALLET_UNFROZEN", wallet_id, next, ZERO);
  return { state: put(state, { [wallet_id]: next }), ruling: done(200, [event]) };
}

function decideSettlement(state: State, operation: Of<"SETTLE" | "RELEASE">): Decision {
  const saga = state.sagas.get(operation.id);
  const sender = saga && state.wallets.get(saga.sender);
  const receiver = saga && state.wallets.get(saga.receiver);
  if (!saga || !sender || !receiver) return { state, ruling: refused(404, "transaction_not_found") };
  const goal = operation.kind === "SETTLE" ? "SUCCESS" : "FAILED";
  if (saga.status !== "INITIATED") {
    return {
      state,
      ruling: { status: saga.status === goal ? 200 : 409, code: saga.status, replayed: false, events: [] },
    };
  }
  const sagas = new Map(state.sagas).set(operation.id, { ...saga, status: goal });
  const freed = { ...sender, held: sender.held.minus(saga.amount), version: sender.version + 1 };
  const ids = { transfer_id: operation.id, counterparty_wallet_id: saga.receiver };
  if (operation.kind === "RELEASE") {
    const event = eventOf("RESERVATION_RELEASED", saga.sender, freed, saga.amount, {
      ...ids,
      transaction_id: operation.id,
    });
    return { state: { ...put(state, { [saga.sender]: freed }), sagas }, ruling: done(200, [event]) };
  }
  const paid = { ...freed, balance: freed.balance.minus(saga.amount) };
  const credited = { ...receiver, balance: receiver.balance.plus(saga.amount), version: receiver.version + 1 };
  const events = [
    eventOf("TRANSFER_OUT", saga.sender, paid, saga.amount, { ...ids, transaction_id: operation.out_line_id }),
    eventOf("TRANSFER_IN", saga.receiver, credited, saga.amount, {
      transfer_id: operation.id,
      counterparty_wallet_id: saga.sender,
      transaction_id: operation.in_line_id,
    }),
  ];
  return {
    state: { ...put(state, { [saga.sender]: paid, [saga.receiver]: credited }), sagas },
    ruling: done(200, events),
  };
}

function decideMovement(state: State, operation: Of<"FUND" | "WITHDRAW" | "TRANSFER" | "RESERVE">): Decision {
  const other = "to_wallet_id" in operation ? operation.to_wallet_id : undefined;
  const wallet = state.wallets.get(operation.wallet_id);
  const receiver = other === undefined ? undefined : state.wallets.get(other);
  if (!wallet || (other !== undefined && !receiver)) return { state, ruling: refused(404, "wallet_not_found") };
  if (operation.if_match && !operation.if_match.includes(wallet.version))
    return { state, ruling: refused(412, "version_mismatch") };
  const code = refusalOf(state, operation, wallet, receiver);
  if (code === "insufficient_funds") return decideFailure(state, operation, wallet, other);
  if (code !== undefined) return { state, ruling: refused(422, code) };
  return decideSuccess(state, operation, wallet, other, receiver);
}

/** In the order in which they win. */
function refusalOf(
  state: State,
  operation: Of<"FUND" | "WITHDRAW" | "TRANSFER" | "RESERVE">,
  wallet: WalletState,
  receiver: WalletState | undefined,
): string | undefined {
  const amount = money(operation.amount);
  if ("to_wallet_id" in operation && operation.to_wallet_id === operation.wallet_id) return "same_wallet";
  if (receiver && receiver.currency !== wallet.currency) return "currency_mismatch";
  if (wallet.status === "FROZEN" || receiver?.status === "FROZEN") return "wallet_frozen";
  if (operation.kind !== "FUND" && wallet.balance.minus(wallet.held).lessThan(amount)) return "insufficient_funds";
  const credited = operation.kind === "FUND" ? wallet : receiver;
  const promised = operation.kind === "RESERVE" ? promisedTo(state, operation.to_wallet_id) : ZERO;
  if (credited?.balance.plus(promised).plus(amount).greaterThan(BALANCE_LIMIT)) return "balance_limit_exceeded";
  return undefined;
}

function promisedTo(state: State, receiver: string): Money {
  const unfinished = [...state.sagas.values()].filter(
    (saga) => saga.receiver === receiver && saga.status === "INITIATED",
  );
  return unfinished.reduce((sum, saga) => sum.plus(saga.amount), ZERO);
}

function decideFailure(
  state: State,
  operation: Of<"FUND" | "WITHDRAW" | "TRANSFER" | "RESERVE">,
  wallet: WalletState,
  other: string | undefined,
): Decision {
  const next = { ...wallet, version: wallet.version + 1 };
  const event = eventOf("TRANSFER_FAILED", operation.wallet_id, next, money(operation.amount), {
    transaction_id: operation.kind === "RESERVE" ? operation.out_line_id : operation.id,
    transfer_id: operation.kind === "WITHDRAW" ? null : operation.id,
    counterparty_wallet_id: other ?? null,
  });
  const failed = put(state, { [operation.wallet_id]: next });
  const ruling = { status: 422, code: "insufficient_funds", replayed: false, events: [event] };
  if (operation.kind !== "RESERVE") return { state: failed, ruling };
  const { wallet_id: sender, to_wallet_id: receiver } = operation;
  const saga: SagaState = { sender, receiver, amount: money(operation.amount), status: "FAILED" };
  return { state: { ...failed, sagas: new Map(state.sagas).set(operation.id, saga) }, ruling };
}

function decideSuccess(
  state: State,
  operation: Of<"FUND" | "WITHDRAW" | "TRANSFER" | "RESERVE">,
  wallet: WalletState,
  other: string | undefined,
  receiver: WalletState | undefined,
): Decision {
  const { id, wallet_id } = operation;
  const amount = money(operation.amount);
  const version = wallet.version + 1;
  if (operation.kind === "FUND") {
    const next = { ...wallet, version, balance: wallet.balance.plus(amount) };
    const event = eventOf("WALLET_FUNDED", wallet_id, next, amount, { transaction_id: id }, "OWN");
    return { state: put(state, { [wallet_id]: next }), ruling: done(201, [event]) };
  }
  if (operation.kind === "WITHDRAW") {
    const next = { ...wallet, version, balance: wallet.balance.minus(amount) };
    const event = eventOf("WALLET_WITHDRAWN", wallet_id, next, amount, { transaction_id: id }, "OWN");
    return { state: put(state, { [wallet_id]: next }), ruling: done(201, [event]) };
  }
  const ids = { transaction_id: id, transfer_id: id, counterparty_wallet_id: other ?? null };
  if (operation.kind === "RESERVE") {
    const next = { ...wallet, version, held: wallet.held.plus(amount) };
    const saga: SagaState = { sender: wallet_id, receiver: operation.to_wallet_id, amount, status: "INITIATED" };
    const sagas = new Map(state.sagas).set(id, saga);
    const event = eventOf("WALLET_RESERVED", wallet_id, next, amount, ids, "SAGA");
    return { state: { ...put(state, { [wallet_id]: next }), sagas }, ruling: done(202, [event]) };
  }
  const paid = { ...wallet, version, balance: wallet.balance.minus(amount) };
  const before = receiver ?? wallet;
  const credited = { ...before, version: before.version + 1, balance: before.balance.plus(amount) };
  const events = [
    eventOf("TRANSFER_OUT", wallet_id, paid, amount, ids, "OWN"),
    eventOf(
      "TRANSFER_IN",
      operation.to_wallet_id,
      credited,
      amount,
      { transaction_id: operation.in_line_id, transfer_id: id, counterparty_wallet_id: wallet_id },
      "OWN",
    ),
  ];
  return { state: put(state, { [wallet_id]: paid, [operation.to_wallet_id]: credited }), ruling: done(201, events) };
}

function put(state: State, wallets: Readonly<Record<string, WalletState>>): State {
  return { ...state, wallets: new Map([...state.wallets, ...Object.entries(wallets)]) };
}

function done(status: number, events: readonly RuleEvent[]): Ruling {
  return { status, code: null, replayed: false, events };
}

function refused(status: number, code: string): Ruling {
  return { status, code, replayed: false, events: [] };
}

function eventOf(
  type: string,
  wallet_id: string,
  wallet: WalletState,
  amount: Money,
  ids: Partial<Pick<RuleEvent, "transaction_id" | "transfer_id" | "counterparty_wallet_id">> = {},
  posting: RuleEvent["posting"] = "NONE",
): RuleEvent {
  return {
    type,
    posting,
    wallet_id,
    wallet_version: wallet.version,
    amount: formatAmount(amount),
    balance_after: formatAmount(wallet.balance),
    held_after: formatAmount(wallet.held),
    transaction_id: null,
    transfer_id: null,
    counterparty_wallet_id: null,
    ...ids,
  };
}
