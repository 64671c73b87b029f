import type * as ledger from "../history/ledger-models.ts";
import type * as history from "../history/models.ts";
import type { HistoryEvent } from "../shared/events.ts";
import type * as wallet from "../wallet/models.ts";
import type { HISTORY_ANSWERS, WALLET_ANSWERS } from "./schemas.ts";

/** What the services answer, as types. */

export type Wallet = typeof wallet.Wallet.static;
export type Transaction = typeof wallet.Transaction.static;
export type Transfer = typeof wallet.Transfer.static;
export type Saga = typeof wallet.Saga.static;
export type { Publication } from "../history/publications.ts";
export type { HistoryEvent };
export type Balance = history.Balance;
export type Lag = history.Lag;
export type DeadLetter = history.DeadLetter;
export type Account = ledger.Account;
export type Entry = ledger.Entry;
export type Movement = typeof ledger.LedgerTransaction.static;
export type TrialBalance = ledger.TrialBalance;

/** A page of a list. */
export interface List<Item> {
  readonly items: readonly Item[];
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

/** A message of the live stream. */
export interface LiveEvent {
  /** A place in the stream: given as `Last-Event-ID`, what follows it comes. */
  readonly id: string;
  readonly event: HistoryEvent["event_type"];
  readonly data: HistoryEvent;
}

/** By operation and status: `"POST /wallets": { 201: Wallet }`. */
export type WalletAnswers = Answers<typeof WALLET_ANSWERS>;
export type HistoryAnswers = Answers<Omit<typeof HISTORY_ANSWERS, keyof Streams>> & Streams;

type Answers<Schemas> = {
  [Operation in keyof Schemas]: {
    // Eden gives an empty text where there is no body.
    -readonly [Status in keyof Schemas[Operation]]: Schemas[Operation][Status] extends { static: infer Body }
      ? Body
      : "";
  };
};

interface Streams {
  "GET /events": { 200: AsyncGenerator<LiveEvent, void, unknown> };
}
