/**
 * Cross-origin access for browsers (Fetch standard, CORS): off unless origins are configured. Only exact origins, no credentials:
 * the API knows no cookies.
 */

const ALLOW_HEADERS =
  "Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, Request-Id, Last-Event-ID, Authorization";
const EXPOSE_HEADERS =
  "ETag, Location, Request-Id, Idempotency-Replayed, Preference-Applied, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, Allow";
/** How long a browser may remember a preflight: the most that Chromium honours. */
const PREFLIGHT_MAX_AGE_S = 7200;

/** Adds the CORS headers of any response, where the request comes from an allowed origin. */
export function addCors(headers: Headers, request: Request, origins: ReadonlySet<string>): void {
  headers.append("vary", "Origin");
  const origin = request.headers.get("origin");
  if (origin === null || !isAllowed(origin, origins)) return;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", EXPOSE_HEADERS);
}

/** Adds what a preflight asks for. `allow`: the methods of the path. */
export function addPreflight(headers: Headers, request: Request, origins: ReadonlySet<string>, allow: string): void {
  const origin = request.headers.get("origin");
  if (origin === null || !isAllowed(origin, origins) || !request.headers.has("access-control-request-method")) return;
  headers.set("access-control-allow-methods", allow);
  headers.set("access-control-allow-headers", ALLOW_HEADERS);
  headers.set("access-control-max-age", String(PREFLIGHT_MAX_AGE_S));
}

/** Whether pages of the origin may call this server; `*` lets in all of them. */
export function isAllowed(origin: string, origins: ReadonlySet<string>): boolean {
  return origins.has(origin) || origins.has("*");
}
