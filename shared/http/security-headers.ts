import { REQUEST_ID, requestId } from "./request.ts";

/** Adds the headers of every response. An answer with an ETag may be kept and revalidated, any other may not. */
export function addHeaders(headers: Headers, request: Request): void {
  headers.set(REQUEST_ID, requestId(request));
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "no-referrer");
  if (!headers.has("cache-control"))
    headers.set("cache-control", headers.has("etag") ? "private, no-cache" : "no-store");
}

/**
 * What a page for browsers says beyond that: what it may load and do, and that no other site may frame it, hold a handle on its
 * window, or embed it. Strict-Transport-Security is for whoever ends TLS to say: these servers do not.
 */
export function pageHeaders(policy: string): Record<string, string> {
  return {
    "content-security-policy": `${policy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
}
