import type { WalletEvent } from "../shared/events.ts";
import { formatAmount, type Money, money, ZERO } from "../shared/money.ts";

/**
 * The rules of the ledger, as pure functions over a plain state: what `history.apply_ledger` does, written a second time in
 * another language and another way. The property tests compare the two; nothing else runs it.
 */

export interface RuleAccount {
  readonly currency: string;
  readonly balance: Money;
  /** The wallet's last version that is applied. */
  readonly applied: number;
  readonly frozen: boolean;
}

export interface RuleEntry {
  readonly transaction_id: string | null;
  readonly account_id: string;
  readonly direction: "DEBIT" | "CREDIT";
  readonly amount: string;
  readonly balance_after: string | null;
}

export interface LedgerState {
  /** Of wallets. */
  readonly accounts: ReadonlyMap<string, RuleAccount>;
  readonly stored: readonly WalletEvent[];
  /** By saga: null where it succeeded, else why not. */
  readonly decisions: ReadonlyMap<string, string | null>;
  readonly entries: readonly RuleEntry[];
  /** Sagas in the order in which they were answered, repetitions included. */
  readonly answers: readonly string[];
}

export const EMPTY_LEDGER: LedgerState = {
  accounts: new Map(),
  stored: [],
  decisions: new Map(),
  entries: [],
  answers: [],
};

/** The state behind a batch of events, in the order of their arrival. */
export function record(before: LedgerState, events: readonly WalletEvent[]): LedgerState {
  let state = before;
  const repeated: WalletEvent[] = [];
  const wallets = new Set<string>();
  for (const event of events) {
    if (state.stored.some(({ id }) => id === event.id)) repeated.push(event);
    else {
      state = { ...state, stored: [...state.stored, event] };
      wallets.add(event.wallet_id);
    }
  }
  for (const wallet_id of [...wallets].sort()) {
    for (let next = nextOf(state, wallet_id); next !== undefined; next = nextOf(state, wallet_id)) {
      state = apply(state, next);
    }
  }
  // However often a saga is asked for in one batch, it is answered again once.
  const asked = new Set(
    repeated.flatMap(({ posting, transaction_id: id }) => (posting === "SAGA" && id !== null ? id : [])),
  );
  return { ...state, answers: [...state.answers, ...[...asked].filter((id) => state.decisions.has(id))] };
}

/** The state once the account is frozen, or no longer. */
export function setFrozen(state: LedgerState, id: string, frozen: boolean): LedgerState {
  const account = state.accounts.get(id);
  return account === undefined ? state : put(state, { [id]: { ...account, frozen } });
}

function nextOf(state: LedgerState, wallet_id: string): WalletEvent | undefined {
  const version = (state.accounts.get(wallet_id)?.applied ?? 0) + 1;
  return state.stored.find((event) => event.wallet_id === wallet_id && event.wallet_version === version);
}

function apply(before: LedgerState, event: WalletEvent): LedgerState {
  const account = accountOf(before, event.wallet_id, event.currency);
  const state = put(before, { [event.wallet_id]: { ...account, applied: event.wallet_version } });
  if (event.posting === "SAGA") return decide(state, event);
  if (event.posting === "NONE") return state;
  const outside = event.type === "WALLET_FUNDED" || event.type === "WALLET_WITHDRAWN";
  const system = `${outside ? "external" : "clearing"}:${event.currency}`;
  const incoming = event.type === "WALLET_FUNDED" || event.type === "TRANSFER_IN";
  return incoming ? move(state, event, system, event.wallet_id) : move(state, event, event.wallet_id, system);
}

function decide(before: LedgerState, event: WalletEvent): LedgerState {
  const { transaction_id: saga, counterparty_wallet_id: receiver, currency } = event;
  if (saga === null || receiver === null) throw new Error("a saga names itself and its receiver");
  const [from, to] = [accountOf(before, event.wallet_id, currency), accountOf(before, receiver, currency)];
  const state = put(before, { [event.wallet_id]: from, [receiver]: to });
  const refusal = refusalOf(event, from, to);
  const decisions = new Map(state.decisions).set(saga, refusal);
  const answered = { ...state, decisions, answers: [...state.answers, saga] };
  return refusal === null ? move(answered, event, event.wallet_id, receiver) : answered;
}

/** In the order in which they win. */
function refusalOf({ currency, amount }: WalletEvent, from: RuleAccount, to: RuleAccount): string | null {
  if (from.currency !== currency || to.currency !== currency) return "currency_mismatch";
  if (from.frozen || to.frozen) return "account_frozen";
  return from.balance.lessThan(money(amount)) ? "insufficient_funds" : null;
}

/** Debits one account and credits the other. */
function move(before: LedgerState, event: WalletEvent, debited: string, credited: string): LedgerState {
  let state = before;
  const sides = [
    { account_id: debited, direction: "DEBIT", change: money(event.amount).negated() },
    { account_id: credited, direction: "CREDIT", change: money(event.amount) },
  ] as const;
  for (const { account_id, direction, change } of sides) {
    const account = state.accounts.get(account_id);
    const balance = account?.balance.plus(change);
    if (account && balance) state = put(state, { [account_id]: { ...account, balance } });
    const balance_after = balance === undefined ? null : formatAmount(balance);
    const entry = { transaction_id: event.transaction_id, account_id, direction, amount: event.amount, balance_after };
    state = { ...state, entries: [...state.entries, entry] };
  }
  return state;
}

function accountOf(state: LedgerState, id: string, currency: string): RuleAccount {
  return state.accounts.get(id) ?? { currency, balance: ZERO, applied: 0, frozen: false };
}

function put(state: LedgerState, accounts: Readonly<Record<string, RuleAccount>>): LedgerState {
  return { ...state, accounts: new Map([...state.accounts, ...Object.entries(accounts)]) };
}
