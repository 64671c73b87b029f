import type { Parsed } from "../config-values.ts";

/** How many requests each client may send: so many in a time, and so many at once. */
export interface RateLimit {
  readonly requests: number;
  /** The time in which they may be sent, over and over. */
  readonly window_ms: number;
  /** The most at once, after a rest. */
  readonly burst: number;
}

/** What became of one request. */
export interface Quota {
  readonly allowed: boolean;
  /** Requests that could follow at once. */
  readonly remaining: number;
  /** Until the burst is whole again, if nothing is sent. */
  readonly reset_ms: number;
  /** Until the next request is allowed; 0 where one is. */
  readonly retry_ms: number;
}

const WINDOWS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const RATE = /^([1-9]\d{0,6})\/([smh])(?: burst ([1-9]\d{0,6}))?$/;

/** `100/s`, `6000/m burst 200`. Without a burst it is what the window allows. */
export function parseRateLimit(text: string): Parsed<RateLimit> {
  const [, requests, unit = "", burst = requests] = RATE.exec(text) ?? [];
  const window_ms = WINDOWS_MS[unit];
  return window_ms === undefined
    ? {
        ok: false,
        expected: "a rate: write 100/s, 6000/m or 100000/h, and what may come at once as in 100/s burst 300",
      }
    : { ok: true, value: { requests: Number(requests), window_ms, burst: Number(burst) } };
}

/** One entry takes about 100 bytes, so all of them a megabyte. */
export const COUNTED_CLIENTS_MAX = 10_000;
/** Looking for entries that may go takes under a millisecond, and is not done more often than this. */
const SWEEP_INTERVAL_MS = 1_000;
/** All those for whom the table has no room count as one. */
const REST = "";
/** Sums of fractions of milliseconds are a little off: the last request of a burst must not fail by that. */
const ROUNDING_MS = 0.001;

/**
 * Counts requests by client, by the generic cell rate algorithm (ITU-T I.371): all that is kept of a client is the moment at
 * which its burst is whole again, and nothing is kept of one for whom that has passed.
 *
 * @param now milliseconds of a monotonic clock
 */
export function createLimiter(
  { requests, window_ms, burst }: RateLimit,
  now: () => number,
  room = COUNTED_CLIENTS_MAX,
) {
  const interval_ms = window_ms / requests;
  const whole_ms = burst * interval_ms;
  const wholeAt = new Map<string, number>();
  let swept = Number.NEGATIVE_INFINITY;

  const hasRoom = (at: number): boolean => {
    if (wholeAt.size >= room && at - swept >= SWEEP_INTERVAL_MS) {
      swept = at;
      for (const [client, whole] of wholeAt) if (whole <= at) wholeAt.delete(client);
    }
    return wholeAt.size < room;
  };

  return {
    /** Counts one request of the client. One that is refused costs nothing. */
    take(client: string): Quota {
      const at = now();
      // Nobody is pushed out by strangers: else whoever has many addresses could have the others' counts forgotten.
      const counted = wholeAt.has(client) || hasRoom(at) ? client : REST;
      const before_ms = Math.max((wholeAt.get(counted) ?? at) - at, 0);
      const after_ms = before_ms + interval_ms;
      if (after_ms > whole_ms + ROUNDING_MS)
        return { allowed: false, remaining: 0, reset_ms: before_ms, retry_ms: after_ms - whole_ms };
      wholeAt.set(counted, at + after_ms);
      const remaining = Math.floor((whole_ms - after_ms + ROUNDING_MS) / interval_ms);
      return { allowed: true, remaining, reset_ms: after_ms, retry_ms: 0 };
    },
    /** How many clients are counted at the moment. */
    clients: () => wholeAt.size,
  };
}

const MS_PER_S = 1_000;

/** Response headers about the quota (draft-ietf-httpapi-ratelimit-headers-10); a burst is a quota whose window it takes to fill. */
export function quotaHeaders({ requests, window_ms, burst }: RateLimit) {
  const policy = `"default";q=${burst};w=${Math.max(1, Math.ceil((burst * window_ms) / requests / MS_PER_S))}`;
  return ({ remaining, reset_ms }: Quota): Readonly<Record<string, string>> => ({
    "ratelimit-policy": policy,
    ratelimit: `"default";r=${remaining};t=${Math.ceil(reset_ms / MS_PER_S)}`,
  });
}

/** The value of `Retry-After`, in whole seconds. */
export function retryAfter({ retry_ms }: Quota): string {
  return String(Math.max(1, Math.ceil(retry_ms / MS_PER_S)));
}
