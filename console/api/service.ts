import type { Access } from "./access.ts";
import type { Problem } from "./wire.ts";

export type ServiceName = "wallet" | "history";

/** One of the two services, at the address at which the browser reaches it. */
export interface Service {
  readonly name: ServiceName;
  /** Without a slash at its end. */
  readonly url: string;
  /** The key that it may ask for. */
  readonly access: Access;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly status: number; readonly headers: Headers }
  | { readonly ok: false; readonly problem: Problem; readonly headers: Headers | null };

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Longer than any answer of the API but one that was asked to wait: what comes later never comes. */
const ANSWER_TIMEOUT_MS = 15_000;

/** The status of an answer that asks for a key, or for another one. */
export const UNAUTHENTICATED = 401;

/** Calls a service. Whatever goes wrong is a problem, and never thrown. */
export async function call<T>(service: Service, { method, path, headers, body, signal }: Call): Promise<Result<T>> {
  const deadline = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const authorization = service.access.headers();
  try {
    const response = await fetch(service.url + path, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers, ...authorization },
      ...(body !== undefined && { body }),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    if (response.status === UNAUTHENTICATED) service.access.refused(authorization);
    return await read<T>(service, path, response);
  } catch {
    return { ok: false, problem: unreachable(service, path), headers: null };
  }
}

async function read<T>(service: Service, path: string, response: Response): Promise<Result<T>> {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) {
    const problem: Problem = await response.json();
    // A service that is down says so with its health, which is no problem document; the same holds for a proxy's page.
    return { ok: false, problem, headers };
  }
  if (!type.startsWith("application/json")) return { ok: false, problem: stranger(service, path, status), headers };
  const value: T = await response.json();
  return { ok: true, value, status, headers };
}

/** Nobody answered. Whether a POST was carried out is then unknown, and sending it again under its key is safe. */
function unreachable({ name, url }: Service, path: string): Problem {
  return {
    type: "about:blank",
    title: `The ${name} service does not answer`,
    status: 0,
    detail: `Nothing came back from ${url}. A request that was under way may or may not have been carried out.`,
    code: "unreachable",
    instance: path,
    request_id: "",
  };
}

function stranger({ name, url }: Service, path: string, status: number): Problem {
  return {
    type: "about:blank",
    title: `This is not the ${name} service`,
    status,
    detail: `${url} answered something that is not of the API.`,
    code: "unexpected_answer",
    instance: path,
    request_id: "",
  };
}

/** A query string, with its question mark, of what is defined. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
