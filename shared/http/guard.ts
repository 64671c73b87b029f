import type { Logger } from "pino";
import { type ApiKey, type Caller, identifyWith, mayAct } from "./api-keys.ts";
import { noteClient } from "./caller.ts";
import { addressWith } from "./client-address.ts";
import type { Access } from "./describe.ts";
import { Problem } from "./problems.ts";
import { createLimiter, type Quota, quotaHeaders, type RateLimit, retryAfter } from "./rate-limit.ts";

/** Who is let in, and how often. Both are off by default; then there is no guard at all. */
export interface GuardSettings {
  /** None: whoever reaches the server may do everything. */
  readonly apiKeys: readonly ApiKey[];
  readonly rateLimit: RateLimit | null;
  /** Proxies whose X-Forwarded-For is believed: addresses or networks. */
  readonly trustedProxies: readonly string[];
}

/** What the guard says of one request. */
export interface Admission {
  /** Headers of the answer, whatever it is. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Thrown in place of handling the request. */
  readonly refusal: Problem | undefined;
}

export interface Guard {
  /** What it looks at, for the API description. */
  readonly asksForKeys: boolean;
  readonly limitsRate: boolean;
  /**
   * @param access of the route; undefined where there is none
   * @param peer the address at the other end of the connection
   */
  admit(request: Request, access: Access | undefined, peer: () => string | null): Admission;
}

/** @param now milliseconds of a monotonic clock */
export function createGuard(settings: GuardSettings, now: () => number): Guard | undefined {
  const { apiKeys, rateLimit, trustedProxies } = settings;
  const asksForKeys = apiKeys.length > 0;
  if (!asksForKeys && rateLimit === null) return undefined;
  const identify = identifyWith(apiKeys);
  const addressOf = addressWith(trustedProxies);
  const limiter = rateLimit && createLimiter(rateLimit, now);
  const headersOf = rateLimit && quotaHeaders(rateLimit);

  const count = (caller: Caller, request: Request, peer: () => string | null): Quota | undefined =>
    // A name has no colon before it and an address no "key", so neither can be taken for the other.
    limiter?.take(typeof caller === "string" ? `address ${addressOf(request, peer())}` : `key ${caller.name}`);

  return {
    asksForKeys,
    limitsRate: rateLimit !== null,
    admit(request, access, peer) {
      const caller = asksForKeys ? identify(request) : "nobody";
      // A probe that is refused would have a healthy server taken out of service.
      const quota = access === "probe" ? undefined : count(caller, request, peer);
      const headers = quota && headersOf?.(quota);
      if (quota?.allowed === false) {
        return { headers, refusal: new Problem("rate_limited", { headers: { "retry-after": retryAfter(quota) } }) };
      }
      if (!asksForKeys) return { headers, refusal: undefined };
      if (typeof caller !== "string") noteClient(request, caller);
      return { headers, refusal: refusalOf(caller, access) };
    },
  };
}

function refusalOf(caller: Caller, access: Access | undefined): Problem | undefined {
  // That a path does not exist is no secret: those that do are in the API description.
  if (access === undefined || access === "probe" || access === "open") return undefined;
  if (typeof caller === "string") {
    const challenge = caller === "nobody" ? "" : `, error="invalid_token"`;
    return new Problem("unauthenticated", { headers: { "www-authenticate": `${SCHEME}${challenge}` } });
  }
  if (mayAct(caller, access)) return undefined;
  return new Problem("forbidden", {
    detail: `The API key of ${caller.name} has the role ${caller.role}; this needs ${access}.`,
    headers: { "www-authenticate": `${SCHEME}, error="insufficient_scope", scope="${access}"` },
  });
}

/** RFC 6750 §3. */
const SCHEME = 'Bearer realm="wallet"';

/** Says in the log where the server would let anyone in: forgotten keys are the fault that nothing else shows. */
export function warnIfOpen({ apiKeys }: GuardSettings, hostname: string, log: Logger): void {
  if (apiKeys.length > 0 || LOOPBACK.test(hostname)) return;
  log.warn({ hostname }, "whoever reaches this address may move money: API_KEYS is empty");
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;
