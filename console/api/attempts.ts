import { toCurl } from "./curl.ts";
import { call, type Result, type Service } from "./service.ts";
import { createStore, type Store } from "./store.ts";
import type { Problem } from "./wire.ts";

/** What a person does to the system: each act has one Idempotency-Key, however often it is sent. */

export interface Act {
  /** For a person: `Pay 30 to bob`. */
  readonly title: string;
  readonly service: Service;
  readonly path: string;
  readonly body?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** The key where the body has to name it too; a new one if left out. */
  readonly key?: string;
}

export interface Attempt {
  readonly key: string;
  readonly title: string;
  readonly method: "POST";
  readonly service: Service;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Oldest first; the last one may have no answer yet. */
  readonly tries: readonly Try[];
}

/** One time that it was sent. Times are milliseconds since 1970 by this browser's clock. */
export interface Try {
  readonly sent_ms: number;
  readonly answer: Answer | null;
}

export interface Answer {
  readonly answered_ms: number;
  /** 0 where no answer came. */
  readonly status: number;
  /** The stored answer of an earlier try. */
  readonly replayed: boolean;
  readonly value: Readonly<Record<string, unknown>> | null;
  readonly problem: Problem | null;
}

export interface Attempts {
  /** A key that was never used, for an act that has to know its own. */
  newKey(): string;
  /** Newest first. */
  readonly list: Store<readonly Attempt[]>;
  /** Does it, and gives what was answered. */
  act(act: Act): Promise<Attempt>;
  /** Sends the same once more, under the same key. */
  again(attempt: Attempt): Promise<Attempt>;
}

/** Older ones are no longer of interest, and the page may stay open for days. */
const KEPT_ATTEMPTS = 40;

export interface AttemptsOptions {
  readonly newKey: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createAttempts({ newKey, now }: AttemptsOptions): Attempts {
  const list = createStore<readonly Attempt[]>([]);
  const replace = (attempt: Attempt) =>
    list.set((all) => all.map((each) => (each.key === attempt.key ? attempt : each)));

  const send = async (attempt: Attempt): Promise<Attempt> => {
    const sent_ms = now();
    const { service, path, headers, body } = attempt;
    replace({ ...attempt, tries: [...attempt.tries, { sent_ms, answer: null }] });
    const result = await call<Record<string, unknown>>(service, { method: "POST", path, headers, body });
    const answered = { ...attempt, tries: [...attempt.tries, { sent_ms, answer: answerOf(result, now()) }] };
    replace(answered);
    return answered;
  };

  return {
    newKey,
    list,
    act({ title, service, path, body, headers = {}, key = newKey() }) {
      const attempt: Attempt = {
        key,
        title,
        method: "POST",
        service,
        path,
        headers: { ...headers, "Idempotency-Key": key },
        body: body && JSON.stringify(body),
        tries: [],
      };
      list.set((all) => [attempt, ...all].slice(0, KEPT_ATTEMPTS));
      return send(attempt);
    },
    again: send,
  };
}

function answerOf(result: Result<Record<string, unknown>>, answered_ms: number): Answer {
  const replayed = result.headers?.get("idempotency-replayed") === "true";
  return result.ok
    ? { answered_ms, status: result.status, replayed, value: result.value, problem: null }
    : { answered_ms, status: result.problem.status, replayed, value: null, problem: result.problem };
}

/** The latest answer; null while it is awaited. */
export function answerTo(attempt: Attempt): Answer | null {
  return attempt.tries.at(-1)?.answer ?? null;
}

export function curlOf({ method, service, path, headers, body }: Attempt): string {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const withKey = service.access.state.get().key !== null;
  return toCurl({ method, url: service.url + path, headers: { ...type, ...headers }, body, withKey });
}

const KEY_BYTES = 16;

/** A key that nobody else makes. Not a UUID, because a page that came by plain HTTP may not make those. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
