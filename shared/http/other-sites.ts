import { isAllowed } from "./cors.ts";
import { Problem } from "./problems.ts";

/**
 * Refuses a POST that another site's page has made the reader's browser send. One with JSON is not sent without a preflight,
 * which CORS refuses; one without a body is sent at once, and may come from inside of a network that the site cannot reach.
 * By Sec-Fetch-Site, which browsers set where the connection can be trusted, and by Origin elsewhere; other clients send neither.
 *
 * @throws Problem 403
 */
export function refuseOtherSites(request: Request, origins: ReadonlySet<string>): void {
  const origin = request.headers.get("origin");
  if (origin !== null && isAllowed(origin, origins)) return;
  const site = request.headers.get("sec-fetch-site");
  const isOwn = site === null ? origin === null || isOfHost(origin, request.headers.get("host")) : OWN_SITES.has(site);
  if (!isOwn) throw new Problem("forbidden", { detail: "Pages of other origins may not do this." });
}

/** `none`: the reader did it without a page. A page of the same site but another origin is another's. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

function isOfHost(origin: string, host: string | null): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}
