import { timingSafeEqual } from "node:crypto";
import type { Parsed } from "../config-values.ts";

/** API keys: who calls, and what that client may do. Only hashes are configured; a key itself is shown once, when it is made. */

/** Each may do all that those before it may. */
export const ROLES = ["read", "write", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** One that calls, as the configuration names it. */
export interface Client {
  readonly name: string;
  readonly role: Role;
}

/** A client and the SHA-256 of a key that it has. A client may have several, so that one can be replaced by another. */
export interface ApiKey extends Client {
  readonly digest: Buffer;
}

/** Who sends a request: a client; nobody, without credentials; or a stranger, whose credentials are nobody's. */
export type Caller = Client | "nobody" | "stranger";

/** Every request is compared with all of them, and nobody looks after more by hand. */
const KEYS_MAX = 100;
/** What is left of the 300 bytes of a stored idempotency key behind a client's own 255 and a blank, rounded down. */
const NAME_MAX_CHARACTERS = 40;
/** As many as the digest has; guessing is hopeless, so no slow hash is needed. */
const SECRET_BYTES = 32;
/** By which scanners of source code and logs, and people, know a key of this system. */
const PREFIX = "dw_";

const NAME = new RegExp(`^[A-Za-z0-9._-]{1,${NAME_MAX_CHARACTERS}}$`);
const DIGEST = /^[0-9a-f]{64}$/i;
/** RFC 6750 §2.1, with a bound: a longer one is nobody's key. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]{1,200}=*)$/i;

/** `name:role:hash` entries with commas between them. */
export function parseApiKeys(text: string): Parsed<ApiKey[]> {
  const entries = text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  const keys = entries.flatMap((entry) => parseEntry(entry) ?? []);
  const roles = new Map(keys.map(({ name, role }) => [name, role]));
  const isSound =
    keys.length === entries.length &&
    keys.length <= KEYS_MAX &&
    keys.every(({ name, role }) => roles.get(name) === role) &&
    new Set(keys.map(({ digest }) => digest.toString("hex"))).size === keys.length;
  return isSound
    ? { ok: true, value: keys }
    : {
        ok: false,
        expected: `a list of at most ${KEYS_MAX} keys: write name:role:hash, as \`bun run api-key <name> <role>\` prints it, several with commas between them, each hash once, each name with one role`,
      };
}

function parseEntry(entry: string): ApiKey | undefined {
  const [name = "", role = "", hash = "", ...more] = entry.split(":");
  if (!isClientName(name) || !isRole(role) || !DIGEST.test(hash) || more.length > 0) return undefined;
  return { name, role, digest: Buffer.from(hash, "hex") };
}

/** Up to 40 letters, digits, dots, underscores and hyphens. */
export function isClientName(text: string): boolean {
  return NAME.test(text);
}

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

/** Whether the client may do what needs the role. */
export function mayAct(client: Client, needed: Role): boolean {
  return ROLES.indexOf(client.role) >= ROLES.indexOf(needed);
}

/** A new key, and the entry of `API_KEYS` that knows it. */
export function makeApiKey({ name, role }: Client): { readonly key: string; readonly entry: string } {
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const key = PREFIX + secret.toString("base64url");
  return { key, entry: `${name}:${role}:${digestOf(key).toString("hex")}` };
}

/** Tells whose key a request carries, in `Authorization: Bearer`. */
export function identifyWith(keys: readonly ApiKey[]): (request: Request) => Caller {
  return (request) => {
    const header = request.headers.get("authorization");
    if (header === null) return "nobody";
    const token = BEARER.exec(header)?.[1];
    if (token === undefined) return "stranger";
    const digest = digestOf(token);
    let found: Caller = "stranger";
    // All are compared, and each to its end: the time it takes says nothing of how near a guess came.
    for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  };
}

function digestOf(token: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(token).digest();
}
