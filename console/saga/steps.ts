import type { Entry, HistoryEvent, Saga } from "../api/wire.ts";

/** A saga as the steps that it takes. Pure. */
export interface SagaStep {
  readonly title: string;
  readonly state: "done" | "refused" | "next" | "waiting";
  /** When it was done, by the database's clock; null: not known, or not yet. */
  readonly at: string | null;
  readonly note: string;
}

export interface SagaFacts {
  readonly saga: Saga;
  /** Of both wallets, as far as they are known. */
  readonly events: readonly HistoryEvent[];
  readonly entries: readonly Entry[];
}

/** Asked → held → decided → settled or released. What was refused at once was never held. */
export function stepsOf({ saga, events, entries }: SagaFacts): readonly SagaStep[] {
  const find = (type: HistoryEvent["event_type"]) => events.find(({ event_type }) => event_type === type);
  const asked: SagaStep = { title: "Asked", state: "done", at: saga.created_at, note: "POST /transactions" };
  if (find("TRANSFER_FAILED") !== undefined)
    return [asked, { title: "Refused at once", state: "refused", at: saga.updated_at, note: saga.failure_code ?? "" }];

  const reserved = find("WALLET_RESERVED");
  // Amount, saga and event are one transaction: a saga that is there has its hold.
  const held: SagaStep = {
    title: "Held",
    state: "done",
    at: reserved?.occurred_at ?? saga.created_at,
    note: "the amount is reserved; WALLET_RESERVED goes to the ledger",
  };
  return [asked, held, decisionOf(saga, entries), endOf(saga, find)];
}

function decisionOf({ status, failure_code }: Saga, entries: readonly Entry[]): SagaStep {
  const posted = entries[0];
  if (posted !== undefined)
    return {
      title: "Decided",
      state: "done",
      at: posted.created_at,
      note: "the ledger has posted it; LEDGER_SUCCESS goes back",
    };
  if (status === "FAILED")
    return { title: "Refused by the ledger", state: "refused", at: null, note: failure_code ?? "LEDGER_FAILED" };
  if (status === "SUCCESS") return { title: "Decided", state: "done", at: null, note: "the ledger has posted it" };
  return { title: "Decision", state: "next", at: null, note: "the ledger is asked, and asked again until it answers" };
}

function endOf(saga: Saga, find: (type: HistoryEvent["event_type"]) => HistoryEvent | undefined): SagaStep {
  switch (saga.status) {
    case "SUCCESS":
      return {
        title: "Settled",
        state: "done",
        at: find("TRANSFER_OUT")?.occurred_at ?? saga.updated_at,
        note: "the hold has become a transfer",
      };
    case "FAILED":
      return {
        title: "Released",
        state: "done",
        at: find("RESERVATION_RELEASED")?.occurred_at ?? saga.updated_at,
        note: "the hold is over, nothing has moved",
      };
    case "INITIATED":
      return { title: "Settlement", state: "waiting", at: null, note: "then the hold becomes a transfer, or ends" };
  }
}
