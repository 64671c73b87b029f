import type { ProblemCode } from "../shared/http/catalogue.ts";

/** Which tries are followed by another, and after how long. */

/** How one try ended. */
export type Tried =
  | {
      readonly outcome: "answered";
      readonly status: number;
      readonly code?: string;
      readonly retryAfter: string | null;
    }
  /** No answer, or half of one: whether it was carried out is unknown. */
  | { readonly outcome: "lost" };

/**
 * Refusals after which the same request is sent again: nothing has happened, or nobody knows and the Idempotency-Key makes it safe to
 * ask. All others are the last word: the same request would be refused the same way.
 */
const TRY_AGAIN: ReadonlySet<string> = new Set<ProblemCode>([
  "overloaded",
  "unavailable",
  "rate_limited",
  "request_timeout",
  "history_behind",
  "outcome_unknown",
  "idempotency_in_progress",
]);

/** What a gateway says on its own when the server behind it is away: it is no problem document of ours. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Whether the same request is worth sending again. */
export function isWorthAnother(tried: Tried): boolean {
  if (tried.outcome === "lost") return true;
  return tried.code === undefined ? GATEWAY_STATUSES.has(tried.status) : TRY_AGAIN.has(tried.code);
}

/** Of a first pause: longer than a hiccup of the network, shorter than a person notices. */
const FIRST_PAUSE_MS = 100;
/** A pause grows no further than this, or a server that is back would not be noticed. */
const PAUSE_MAX_MS = 5_000;

const MS_PER_S = 1_000;

/**
 * Milliseconds to wait before the next try: what `Retry-After` says, and some more that doubles with every try and is drawn anew each
 * time, so that clients that were refused together do not come back together.
 *
 * @param tries how many there were
 * @param chance from 0 to 1
 * @param now milliseconds since 1970, for a `Retry-After` that is a date (RFC 9110 §10.2.3)
 */
export function pauseAfter(tried: Tried, tries: number, chance: number, now: number): number {
  const asked_ms = tried.outcome === "lost" ? 0 : retryAfterMs(tried.retryAfter, now);
  return asked_ms + chance * Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
}

function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const wait_ms = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * MS_PER_S;
  return Number.isNaN(wait_ms) ? 0 : Math.max(0, wait_ms);
}
