import { invalid } from "./problems.ts";

/** Idempotency-Key: its syntax. */

const HEADER = "idempotency-key";
const KEY = /^[\x21-\x7e]{1,255}$/;
/** A Structured Fields string (RFC 8941 §3.3.3), as draft-ietf-httpapi-idempotency-key-header-07 has it. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const RULE = "must be 1 to 255 visible ASCII characters";

/** A client's key, bare or quoted (`"abc"` and `abc` are the same key). @throws Problem 400 */
export function parseKey(request: Request): string | undefined {
  const header = request.headers.get(HEADER);
  if (header === null) return undefined;
  const quoted = QUOTED.exec(header)?.[1];
  const key = quoted === undefined ? header : quoted.replaceAll(/\\(["\\])/g, "$1");
  if (!KEY.test(key)) throw invalid("header", "/Idempotency-Key", RULE);
  return key;
}
