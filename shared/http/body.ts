import { DeadlineExceeded, withDeadline } from "../deadline.ts";
import { Problem } from "./problems.ts";

/** The largest body: a hundred times what any route needs, small enough to hold thousands at once. */
export const BODY_MAX_BYTES = 65_536;

/**
 * What a body may take to arrive, however steadily its bytes drip in: the largest one at 7 kB/s. Nothing else bounds a sender that is
 * slow on purpose, since each byte counts as a sign of life.
 */
export const BODY_DEADLINE_MS = 10_000;

/** The deepest JSON that is passed on. No route needs more than 2; validation recurses, so some limit there must be. */
const DEPTH_MAX = 16;

const DECODER = new TextDecoder("utf-8", { fatal: true });

/**
 * Refuses by its headers a body that would not be read. `readsBody`: whether the route takes one at all.
 * @throws Problem 413, 415
 */
export function checkBodyHeaders(request: Request, readsBody: boolean): void {
  const { headers } = request;
  const length = headers.get("content-length");
  if (length !== null && Number(length) > BODY_MAX_BYTES) throw tooLarge();
  if (!readsBody) return;
  const type = headers.get("content-type");
  if (type === null ? request.body !== null : !isJson(type)) throw new Problem("unsupported_media_type", ACCEPT);
  const coding = headers.get("content-encoding");
  if (coding !== null && coding.toLowerCase() !== "identity") throw new Problem("unsupported_media_type", ACCEPT);
}

/** What the route would read, as RFC 9110 §12.5.1 suggests for 415. */
const ACCEPT = { headers: { accept: "application/json" } };

/** Closes the connection, or Bun would read the rest of the body only to drop it. */
function tooLarge(): Problem {
  return new Problem("body_too_large", { headers: { connection: "close" } });
}

function isJson(type: string): boolean {
  if (type === "application/json") return true;
  const end = type.indexOf(";");
  return (end === -1 ? type : type.slice(0, end)).trim().toLowerCase() === "application/json";
}

/** The value of a JSON body. @throws Problem 400 `invalid_json`, 408, 413 */
export async function readJson(request: Request): Promise<unknown> {
  const value = parse(await readBytes(request));
  if (isDeeperThan(value, DEPTH_MAX)) throw new Problem("invalid_json", { detail: "The JSON is nested too deeply." });
  return value;
}

async function readBytes(request: Request): Promise<ArrayBuffer | Uint8Array> {
  try {
    const reading = request.headers.has("content-length") ? request.arrayBuffer() : readBounded(request);
    return await withDeadline<ArrayBuffer | Uint8Array>(reading, BODY_DEADLINE_MS, "the body");
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The rest of it is not waited for.
    if (error instanceof DeadlineExceeded) throw new Problem("request_timeout", { headers: { connection: "close" } });
    // The sender went away in the middle: no defect of ours, and nobody is left to read the answer.
    throw new Problem("invalid_json", { detail: "The body is not complete." });
  }
}

function parse(bytes: ArrayBuffer | Uint8Array): unknown {
  try {
    return JSON.parse(DECODER.decode(bytes));
  } catch {
    throw new Problem("invalid_json");
  }
}

/** A body of unknown length (chunked), read no further than the limit. */
async function readBounded(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > BODY_MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  for (const member of Object.values(value)) {
    if (typeof member === "object" && isDeeperThan(member, depth - 1)) return true;
  }
  return false;
}
