import type { AnyElysia } from "elysia";
import type { Logger } from "pino";
import { uuidv7 } from "../ids.ts";
import { parseTraceparent, TRACEPARENT_HEADER } from "../traceparent.ts";
import type { Span, Tracing } from "../tracing/tracing.ts";
import { checkBodyHeaders } from "./body.ts";
import { addCors, addPreflight } from "./cors.ts";
import type { Admission, Guard } from "./guard.ts";
import { parseKey } from "./idempotency-key.ts";
import type { Metrics } from "./metrics.ts";
import { refuseOtherSites } from "./other-sites.ts";
import { Problem } from "./problems.ts";
import { answerError, checkQuery } from "./refusals.ts";
import { pathOf, queryOf, REQUEST_ID, requestId } from "./request.ts";
import { createRouteTable, type Endpoint, type Route, type RouteTable } from "./routes.ts";
import { addHeaders } from "./security-headers.ts";

/** Elysia's own handling, as loosely typed as it hands it over. */
type Handle = (request: Request) => unknown;

interface EdgeOptions {
  /** The app's routes; they are declared after the edge is made. */
  readonly routes: () => AnyElysia["routes"];
  /** The address at the other end of a request's connection; null where there is none. */
  readonly peerOf: (request: Request) => string | null;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly origins: ReadonlySet<string>;
  readonly guard: Guard | undefined;
  readonly tracing: Tracing | undefined;
  readonly isFull: () => boolean;
}

/**
 * Requests that are being answered at the same time. More than the committer queues and all waiting rooms hold together, so that theirs
 * are the refusals as a rule; this one bounds the rest, such as reads that wait for a connection of the pool.
 */
const IN_FLIGHT_MAX = 32_000;

/** What happens around Elysia's own handling of a request: before its routing, and after the response is made. */
export function createEdge({ routes, peerOf, log, metrics, origins, guard, tracing, isFull }: EdgeOptions) {
  let table: RouteTable | undefined;
  let inner: Handle | undefined;
  let inFlight = 0;

  /** @throws Error where a route breaks the house rules */
  function prepare(): RouteTable {
    const declared = routes();
    if (table?.size !== declared.length) table = createRouteTable(declared);
    return table;
  }

  async function handle(received: Request): Promise<Response> {
    const next = inner ?? noApp;
    const request = withHost(received);
    const started_ms = performance.now();
    nameRequest(request);
    let route: string | undefined;
    let response: Response;
    let admission: Admission | undefined;
    const span = tracing && traceRequest(request, tracing);
    inFlight += 1;
    try {
      const path = pathOf(request);
      const endpoint = prepare().find(path);
      route = endpoint?.path;
      const offered = endpoint?.routes.get(request.method === "HEAD" ? "GET" : request.method);
      if (guard) {
        admission = guard.admit(request, offered?.access, () => peerOf(received));
        if (admission.refusal) throw admission.refusal;
      }
      if (isTooMuch(request, offered)) throw new Problem("overloaded");
      if (!endpoint) throw new Problem("not_found");
      response = await respond(request, endpoint, offered, next);
    } catch (error) {
      response = answerError(error, request, log, route);
    }
    inFlight -= 1;
    addHeaders(response.headers, request);
    if (admission?.headers) setAll(response.headers, admission.headers);
    if (origins.size > 0) addCors(response.headers, request, origins);
    report(request, route, response.status, performance.now() - started_ms);
    if (span) endSpan(span, route, response.status);
    return response;
  }

  /** What would be refused anyway is refused before it is read: at twice the maximum, reading would take the time that answers need. */
  function isTooMuch(request: Request, offered: Route | undefined): boolean {
    if (offered?.access === "probe") return false;
    return inFlight > IN_FLIGHT_MAX || (request.method === "POST" && isFull());
  }

  async function respond(request: Request, endpoint: Endpoint, offered: Route | undefined, next: Handle) {
    if (request.method === "OPTIONS") {
      const response = new Response(null, { status: 204, headers: { allow: endpoint.allow } });
      if (origins.size > 0) addPreflight(response.headers, request, origins, endpoint.allow);
      return response;
    }
    if (!offered) throw new Problem("method_not_allowed", { headers: { allow: endpoint.allow } });
    checkQuery(queryOf(request), offered);
    checkBodyHeaders(request, offered.readsBody);
    // On every POST, whether it is kept there or repeatable by itself: a client's mistake is told where it is made.
    if (request.method === "POST") parseKey(request);
    if (request.method === "POST" && !offered.readsBody) refuseOtherSites(request, origins);
    return request.method === "HEAD" ? withoutBody(await next(asGet(request))) : responseOf(await next(request));
  }

  function report(request: Request, route: string | undefined, status: number, ms: number): void {
    // What the client makes up (paths, methods) must not become labels, or it could fill the memory.
    metrics.countRequest(
      METHODS.has(request.method) ? request.method : "other",
      route ?? "none",
      status,
      ms / MS_PER_S,
    );
    if (!log.isLevelEnabled("debug")) return;
    log.debug({ request_id: requestId(request), method: request.method, path: pathOf(request), status, ms }, "request");
  }

  return {
    prepare,
    /** Whether the route takes a body; asked with the declared path. */
    readsBody: (method: string, route: string): boolean => prepare().bodyRoutes.has(`${method} ${route}`),
    // Elysia calls this for every request, with the same function: it must not make anything.
    around(next: Handle): (request: Request) => Promise<Response> {
      inner = next;
      return handle;
    },
  };
}

function noApp(): never {
  throw new Error("the edge is not in front of an app");
}

const MS_PER_S = 1000;
const SERVER_ERRORS_FROM = 500;
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const VISIBLE_ASCII = /^[\x21-\x7e]{1,64}$/;

/** A request without a Host header (HTTP/1.0, as of some probes) has no whole URL, which Elysia takes for granted. */
function withHost(request: Request): Request {
  return request.url.startsWith("/") ? new Request(`http://localhost${request.url}`, request) : request;
}

/** Gives the request an id, unless it came with a proper one; every later reader finds it in the header. */
function nameRequest(request: Request): void {
  const given = request.headers.get(REQUEST_ID);
  if (given === null || !VISIBLE_ASCII.test(given)) request.headers.set(REQUEST_ID, uuidv7());
}

/** Begins the request's span, and puts it where the request's own `traceparent` was: what the request does is under it. */
function traceRequest(request: Request, tracing: Tracing): Span {
  const method = METHODS.has(request.method) ? request.method : "_OTHER";
  const span = tracing.begin(method, {
    kind: "server",
    parent: parseTraceparent(request.headers.get(TRACEPARENT_HEADER)),
    attributes: { "http.request.method": method, "http.request.header.request-id": requestId(request) },
  });
  request.headers.set(TRACEPARENT_HEADER, span.traceparent);
  return span;
}

function endSpan(span: Span, route: string | undefined, status: number): void {
  // Only what failed here is a failure of this span; a 4xx is the client's.
  const failure = status >= SERVER_ERRORS_FROM ? String(status) : undefined;
  span.end({ "http.route": route ?? "none", "http.response.status_code": status }, failure);
}

function setAll(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
}

function responseOf(answer: unknown): Response {
  if (answer instanceof Response) return answer;
  throw new Error("the app answered something other than a Response");
}

function asGet(request: Request): Request {
  return new Request(request.url, { method: "GET", headers: request.headers, signal: request.signal });
}

/** The answer to HEAD: all that GET would say, and how long the body would be; a stream has no length and is not begun. */
async function withoutBody(answer: unknown): Promise<Response> {
  const { body, status, headers } = responseOf(answer);
  if (headers.get("content-type")?.startsWith("text/event-stream")) {
    await body?.cancel();
  } else if (body !== null) {
    headers.set("content-length", String((await new Response(body).arrayBuffer()).byteLength));
  }
  return new Response(null, { status, headers });
}
