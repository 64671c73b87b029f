/** One request, sent again under its key until its client knows what became of it. */
import type { Random } from "../../workload.ts";
import type { Request } from "./requests.ts";

/** The members of an answer that are held against what has happened. */
export interface Answer {
  readonly id?: string;
  readonly code?: string;
  readonly amount?: string;
  readonly balance?: string;
  readonly held?: string;
  readonly status?: string | number;
  readonly version?: number;
  readonly wallet_id?: string;
  readonly wallet_version?: number;
  readonly balance_after?: string;
  readonly from_wallet_id?: string;
  readonly from_wallet_version?: number;
  readonly from_balance_after?: string;
  readonly to_wallet_id?: string;
  readonly transaction_id?: string;
}

/** A request and what became of it. Times are milliseconds of a clock that never goes back. */
export interface Done {
  readonly request: Request;
  /** When it was first sent. */
  readonly sent_at: number;
  readonly answered_at: number;
  /** When the attempt was sent that was answered. */
  readonly last_sent_at: number;
  readonly status: number;
  readonly text: string;
  readonly answer: Answer;
  /** Whether the client did not know, after some attempt, if it had happened. */
  readonly unknown: boolean;
  /** Whether the answer is said to be that of an earlier attempt. */
  readonly replayed: boolean;
}

type Told =
  | { readonly what: "answer"; readonly status: number; readonly text: string; readonly replayed: boolean }
  /** Nothing happened: it never got there, or the server says so. */
  | { readonly what: "nothing" }
  | { readonly what: "unknown" }
  /** The client gave up. */
  | { readonly what: "impatience" }
  /** An earlier attempt is at work. */
  | { readonly what: "in progress" }
  | { readonly what: "wrong"; readonly why: string };

/** Some clients give up before a server does, some wait longer than any server takes. */
const LEAST_PATIENCE_MS = 1_000;
const MOST_PATIENCE_MS = 8_000;
const MOST_PAUSE_MS = 150;
/** Longer than any fault lasts. */
const RESOLVED_WITHIN_MS = 120_000;

export interface Sender {
  /** Address of a server; of another one at another call, maybe. */
  readonly url: () => string;
  readonly random: Random;
  /** Told of what must never happen. */
  readonly wrong: (what: string) => void;
  /** Told of each attempt that did not end in an answer. */
  readonly failed: (why: Failure) => void;
}

export type Failure = Exclude<Told["what"], "answer">;

/** @throws Error when the request is not answered for minutes, long after the fault */
export async function resolve(request: Request, { url, random, wrong, failed }: Sender): Promise<Done> {
  const sent_at = performance.now();
  let unknown = false;
  for (;;) {
    const last_sent_at = performance.now();
    const patience_ms = LEAST_PATIENCE_MS + random() * (MOST_PATIENCE_MS - LEAST_PATIENCE_MS);
    const told = await send(request, url(), patience_ms);
    if (told.what === "answer") {
      const { status, text, replayed } = told;
      const answered_at = performance.now();
      return { request, sent_at, answered_at, last_sent_at, status, text, answer: JSON.parse(text), unknown, replayed };
    }
    failed(told.what);
    if (told.what === "unknown" || told.what === "impatience") unknown = true;
    if (told.what === "wrong") wrong(`${request.path}: ${told.why}`);
    if (performance.now() - sent_at > RESOLVED_WITHIN_MS)
      throw new Error(`${JSON.stringify(request)} has no answer; the last attempt: ${JSON.stringify(told)}`);
    await Bun.sleep(random() * MOST_PAUSE_MS);
  }
}

const KEPT = [200, 201, 202, 422];

async function send({ path, body, key }: Request, url: string, patience_ms: number): Promise<Told> {
  try {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "idempotency-key": key, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patience_ms),
    });
    const text = await response.text();
    const { status } = response;
    if (KEPT.includes(status))
      return { what: "answer", status, text, replayed: response.headers.get("idempotency-replayed") === "true" };
    const { code } = JSON.parse(text);
    if (status === 503 && (code === "unavailable" || code === "overloaded")) return { what: "nothing" };
    if (status === 503 && code === "outcome_unknown") return { what: "unknown" };
    if (status === 409 && code === "idempotency_in_progress") return { what: "in progress" };
    return { what: "wrong", why: `${status} ${text}` };
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError") return { what: "impatience" };
    return { what: isRefused(error) ? "nothing" : "unknown" };
  }
}

/** Nobody listened, so nothing was sent. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}
