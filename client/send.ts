import { NoAnswer, PROBLEM_TYPE, type Problem, UnexpectedAnswer } from "./problem.ts";
import { isWorthAnother, pauseAfter, type Tried } from "./retries.ts";
import { type Reply, type Request, tryOnce } from "./try-once.ts";

/** What sends of a client share. */
export interface Sending {
  readonly fetch: typeof fetch;
  /** How often one request is sent, at most. */
  readonly triesMax: number;
  /** Milliseconds for all tries of one request together. */
  readonly deadlineMs: number;
  /** Milliseconds for one try. */
  readonly tryMs: number;
  /** Idempotency keys that nobody else makes. */
  readonly newKey: () => string;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly date: () => number;
  /** From 0 to 1, differently each time. */
  readonly chance: () => number;
  /** Ends early, by throwing, when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * A `fetch` that does not give up at the first failure. Every POST has an Idempotency-Key, its own or a new one, and every repetition
 * has the same: however often it is sent, it is carried out once.
 *
 * @throws NoAnswer after the last try; UnexpectedAnswer where it was not the API that answered; whatever the caller's signal says
 */
export function sendWith(sending: Sending): typeof fetch {
  const send = async (input: string | URL | globalThis.Request, init: RequestInit = {}): Promise<Response> => {
    const request = withKey(toRequest(input, init), sending.newKey);
    const extra_ms = waitOf(request.headers);
    const ends_ms = sending.now() + sending.deadlineMs + extra_ms;
    for (let tries = 1; ; tries += 1) {
      const left_ms = ends_ms - sending.now();
      const reply = await tryOnce(sending.fetch, request, Math.min(left_ms, sending.tryMs + extra_ms));
      request.signal?.throwIfAborted();
      const tried = await seenAs(reply);
      const pause_ms = pauseAfter(tried, tries, sending.chance(), sending.date());
      const isLast = tries >= sending.triesMax || sending.now() + pause_ms >= ends_ms;
      if (isLast || !isWorthAnother(tried)) return settle(reply, request, tries);
      await sending.pause(pause_ms, request.signal);
    }
  };
  return Object.assign(send, { preconnect: sending.fetch.preconnect });
}

function toRequest(input: string | URL | globalThis.Request, init: RequestInit): Request {
  const { method = "GET", headers, body, signal } = init;
  return {
    method,
    url: String(input instanceof globalThis.Request ? input.url : input),
    headers: new Headers(headers),
    body: typeof body === "string" ? body : undefined,
    signal: signal ?? undefined,
  };
}

/** The body of a saga names its own key, which a header may only repeat. */
function withKey(request: Request, newKey: () => string): Request {
  const { method, headers, body } = request;
  if (method === "POST" && !headers.has(KEY)) headers.set(KEY, keyInBody(body) ?? newKey());
  return request;
}

const KEY = "idempotency-key";

function keyInBody(body: string | undefined): string | undefined {
  if (body === undefined) return undefined;
  const { idempotency_key: key }: { idempotency_key?: unknown } = JSON.parse(body);
  return typeof key === "string" ? key : undefined;
}

/** Milliseconds that the server was asked to take its time for (`Prefer: wait=N`). */
function waitOf(headers: Headers): number {
  const seconds = /\bwait=(\d{1,3})\b/.exec(headers.get("prefer") ?? "")?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds), WAIT_MAX_S) * MS_PER_S;
}

/** The server counts more as this. */
const WAIT_MAX_S = 30;
const MS_PER_S = 1_000;

async function seenAs(reply: Reply): Promise<Tried> {
  if (reply.response === undefined) return { outcome: "lost" };
  const { status, headers } = reply.response;
  const retryAfter = headers.get("retry-after");
  if (mediaTypeOf(reply.response) !== PROBLEM_TYPE) return { outcome: "answered", status, retryAfter };
  const { code }: Problem = JSON.parse(await reply.response.clone().text());
  return { outcome: "answered", status, retryAfter, code };
}

/** Of media types, what the API answers with. */
const OF_THE_API: ReadonlySet<string | null> = new Set(["application/json", "text/event-stream"]);
const NOT_MODIFIED = 304;

function settle(reply: Reply, { method, url, headers }: Request, tries: number): Response {
  const { response } = reply;
  if (response === undefined) throw new NoAnswer({ method, url }, tries, headers.get(KEY) ?? undefined, reply.cause);
  const type = mediaTypeOf(response);
  const isOurs = response.ok ? OF_THE_API.has(type) : type === PROBLEM_TYPE || response.status === NOT_MODIFIED;
  if (!isOurs) throw new UnexpectedAnswer({ method, url }, response.status, type);
  return response;
}

function mediaTypeOf({ headers }: Response): string | null {
  return headers.get("content-type")?.split(";")[0]?.trim() ?? null;
}
