/** A request of the story and its answer, kept for showing. */

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; empty where it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 15_000;

export async function send(address: string, { method, path, headers, body }: Call): Promise<Answer> {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: objectIn(text) };
}

/** The text of a member, or "" where there is none: what is not as told is found by comparing. */
export function textOf(body: Readonly<Record<string, unknown>>, member: string): string {
  const value = body[member];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** The items of a list; another member's where it says so. */
export function itemsOf(
  body: Readonly<Record<string, unknown>>,
  member = "items",
): Readonly<Record<string, unknown>>[] {
  const items = body[member];
  return Array.isArray(items) ? items.filter(isObject) : [];
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
