import type {
  Account as AccountSchema,
  Entry as EntrySchema,
  LedgerTransaction,
  TrialBalance as TrialBalanceSchema,
} from "../../history/ledger-models.ts";
import type { Health as HealthState } from "../../shared/http/health.ts";
import type { RequestError } from "../../shared/http/problems.ts";
import type * as wallet from "../../wallet/models.ts";

/** What the services answer: the types of their own models, so that the page cannot drift from the wire. */

export type { Balance, DeadLetter, Lag } from "../../history/models.ts";
export type { Publication } from "../../history/publications.ts";
export type { HistoryEvent } from "../../shared/events.ts";
export type Wallet = typeof wallet.Wallet.static;
export type Saga = typeof wallet.Saga.static;
export type Account = AccountSchema;
export type Entry = EntrySchema;
export type Movement = typeof LedgerTransaction.static;
export type TrialBalance = (typeof TrialBalanceSchema.static)["items"][number];

export interface Health {
  readonly status: HealthState;
  readonly checks: Readonly<Record<string, HealthState>>;
}

export interface List<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

/** An error of the API (RFC 9457), or one of the same shape for an answer that never came. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly instance: string;
  readonly request_id: string;
  readonly errors?: readonly RequestError[];
  /** The line or saga that a refusal for lack of funds has left. */
  readonly transaction_id?: string;
}
