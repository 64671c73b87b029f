/**
 * What a client or the ledger wants done to wallets, and what became of it. An {@link Operation} is one element of the list
 * that the SQL function `wallet.apply_operations` takes: the members have the names of its type `wallet.operation`.
 */

/** What every operation of a client carries. */
export interface Attempt {
  /** The client's Idempotency-Key, or an internal one: the answer to a lost commit is found again by it. */
  readonly key: string;
  /** SHA-256 of method, path and canonical body, in hexadecimal. */
  readonly fingerprint: string;
  /** Path and id of the request, for the body of a refusal (RFC 9457). */
  readonly instance: string;
  readonly request_id: string;
  /** W3C trace context of the request; it travels with the events. */
  readonly traceparent?: string | undefined;
  /** Versions of which the funded or debited wallet must have one; absent for any. */
  readonly if_match?: readonly number[] | undefined;
}

interface Movement extends Attempt {
  /** Of the line, the transfer or the saga that comes of it; made before the call, so that a repetition makes no other. */
  readonly id: string;
  readonly wallet_id: string;
  /** Decimal string with four decimals, greater than zero. */
  readonly amount: string;
  readonly description?: string | undefined;
  readonly reference?: string | undefined;
}

export interface Create extends Attempt {
  readonly kind: "CREATE";
  readonly id: string;
  readonly user_id: string;
  readonly currency: string;
}

export interface Fund extends Movement {
  readonly kind: "FUND";
}

export interface Withdraw extends Movement {
  readonly kind: "WITHDRAW";
}

export interface Transfer extends Movement {
  readonly kind: "TRANSFER";
  readonly to_wallet_id: string;
  /** The receiver's line. */
  readonly in_line_id: string;
}

/** Opens a saga: holds the amount until the ledger has decided. */
export interface Reserve extends Movement {
  readonly kind: "RESERVE";
  readonly to_wallet_id: string;
  /** The line that a lack of funds leaves. */
  readonly out_line_id: string;
}

export interface Freeze extends Attempt {
  readonly kind: "FREEZE" | "UNFREEZE";
  readonly wallet_id: string;
}

/** The ledger has posted: the held amount moves. Cannot be refused, acts once. */
export interface Settle {
  readonly kind: "SETTLE";
  /** Of the saga. */
  readonly id: string;
  readonly out_line_id: string;
  readonly in_line_id: string;
  readonly traceparent?: string | undefined;
}

/** The ledger has refused: the hold ends. Cannot be refused, acts once. */
export interface Release {
  readonly kind: "RELEASE";
  /** Of the saga. */
  readonly id: string;
  readonly failure_code: string;
  readonly traceparent?: string | undefined;
}

export type ClientOperation = Create | Fund | Withdraw | Transfer | Freeze | Reserve;
export type Operation = ClientOperation | Settle | Release;

/** Codes of refusals that the database decides; the rest of the catalogue is decided at the edge. */
export const REFUSALS = [
  "insufficient_funds",
  "same_wallet",
  "currency_mismatch",
  "balance_limit_exceeded",
  "wallet_frozen",
] as const;

/** Why an operation has no answer of the database. */
export type Failure = "overloaded" | "unavailable" | "outcome_unknown" | "idempotency_in_progress" | "internal_error";

/** The database's answer: a row of `wallet.apply_operations`. */
export interface Answered {
  readonly failure?: undefined;
  /** HTTP status. */
  readonly status: number;
  /** Problem code of a refusal; of a settlement that came again, the state that the saga has. */
  readonly code: string | null;
  /** The body, byte for byte as it is kept under the key; null for what is not kept. */
  readonly response: string | null;
  /** Whether the answer is that of an earlier use of the key. */
  readonly replayed: boolean;
}

export interface Failed {
  readonly failure: Failure;
}

export type Outcome = Answered | Failed;
