import { clientOf } from "../shared/http/caller.ts";
import { parseIfMatch } from "../shared/http/etag.ts";
import { parseKey } from "../shared/http/idempotency-key.ts";
import { pathOf, requestId } from "../shared/http/request.ts";
import { parseTraceparent, TRACEPARENT_HEADER } from "../shared/traceparent.ts";
import type { Attempt } from "./operation.ts";

/** The attempt that an Idempotency-Key names, and the fingerprint of its request. */

/**
 * What an operation carries of its request. Without a client's key it gets an internal one: a blank, which no client's key
 * can begin with, and a fresh id.
 *
 * @param id of the operation, fresh for each attempt
 * @param body the parsed body with its defaults applied and its amounts at four decimals
 */
export function attemptOf(
  request: Request,
  id: string,
  body: Readonly<Record<string, unknown>> = {},
  named?: string,
): Attempt {
  const path = pathOf(request);
  const ifMatch = parseIfMatch(request.headers.get("if-match"));
  const traceparent = parseTraceparent(request.headers.get(TRACEPARENT_HEADER));
  return {
    key: keyOf(request, named ?? parseKey(request)) ?? ` ${id}`,
    fingerprint: fingerprint(request.method, path, body),
    instance: path,
    request_id: requestId(request),
    ...(ifMatch !== undefined && ifMatch !== "any" && { if_match: ifMatch }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/**
 * A client's key, in the name of the client where API keys are on: no client can come upon what another has been answered. A blank
 * is in neither part, so two clients' keys are never the same.
 */
function keyOf(request: Request, key: string | undefined): string | undefined {
  const client = clientOf(request);
  return key === undefined || client === undefined ? key : `${client.name} ${key}`;
}

/** SHA-256, in hexadecimal, of method, path without a trailing slash, and the canonical body. */
export function fingerprint(method: string, path: string, body: Readonly<Record<string, unknown>>): string {
  const trimmed = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return new Bun.CryptoHasher("sha256").update(`${method}\n${trimmed.toLowerCase()}\n${canonical(body)}`).digest("hex");
}

/** The members in order of name; null says the same as leaving out. Bodies here are flat. */
function canonical(body: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(body).filter((name) => body[name] !== null && body[name] !== undefined);
  return JSON.stringify(names.sort().map((name) => [name, body[name]]));
}
