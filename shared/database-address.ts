import { readCertificates } from "./certificates.ts";
import type { Parsed } from "./config-values.ts";

/**
 * The address of a PostgreSQL, and what it says about TLS: `sslmode`, `sslrootcert` and `sslnegotiation`, each with the meaning
 * that libpq gives it (PostgreSQL, "Database Connection Control Functions"). They are read here and not left to postgres.js, which
 * knows no certificates of one's own and takes every `sslmode` for its own words.
 *
 * Two of libpq's modes are refused, `allow` and `prefer`: they go on in the clear where TLS fails.
 */
export interface DatabaseAddress {
  /** Without what is about TLS. */
  readonly url: string;
  /** Null: in the clear. */
  readonly tls: DatabaseTls | null;
}

export interface DatabaseTls {
  /** `require` hides what is said and believes any server; `verify-ca` asks who vouches for it; `verify-full` also for whom. */
  readonly mode: "require" | "verify-ca" | "verify-full";
  /** Who may vouch, as PEM; undefined: those whom the system trusts. */
  readonly ca: string | undefined;
  /** TLS from the first byte (PostgreSQL 17 and later), which saves a round trip; otherwise the server is asked for it first. */
  readonly direct: boolean;
}

/** Whoever is vouched for by one of the certificates that the system trusts. */
const SYSTEM = "system";
const KNOWN = new Set(["sslmode", "sslrootcert", "sslnegotiation"]);

/** Reads the certificates too, so that a change of the file reaches the next pool. */
export function parseDatabaseAddress(text: string): Parsed<DatabaseAddress> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length <= 1) {
    return wrong(
      "a PostgreSQL address: write postgres://user:password@host:5432/database, with special characters percent-encoded",
    );
  }
  const asked = [...url.searchParams.keys()].filter((name) => name.startsWith("ssl"));
  if (asked.length === 0) return { ok: true, value: { url: text, tls: null } };
  if (asked.some((name) => !KNOWN.has(name)))
    return wrong("an address with TLS: only sslmode, sslrootcert and sslnegotiation are known");
  const tls = parseTls(url.searchParams);
  if (!tls.ok) return tls;
  for (const name of asked) url.searchParams.delete(name);
  return { ok: true, value: { url: url.href, tls: tls.value } };
}

function parseTls(parameters: URLSearchParams): Parsed<DatabaseTls | null> {
  const root = parameters.get("sslrootcert");
  const mode = parameters.get("sslmode") ?? (root === SYSTEM ? "verify-full" : "");
  const negotiation = parameters.get("sslnegotiation") ?? "postgres";
  if (mode === "disable") return { ok: true, value: null };
  if (mode !== "require" && mode !== "verify-ca" && mode !== "verify-full") {
    return wrong(
      "an address that is certain about TLS: its sslmode has to be disable, require, verify-ca or verify-full",
    );
  }
  if (root === SYSTEM && mode !== "verify-full") {
    return wrong(
      "an address with a safe sslmode: with sslrootcert=system it has to be verify-full, since anybody can be vouched for there",
    );
  }
  if (negotiation !== "postgres" && negotiation !== "direct") {
    return wrong("an address whose sslnegotiation is postgres or direct");
  }
  const ca = root === null || root === SYSTEM ? undefined : readCertificates(root);
  if (ca === null)
    return wrong("an address whose sslrootcert is a file of PEM certificates that can be read, or the word system");
  // As libpq has it: whoever names a root wants it asked.
  const strict = mode === "require" && ca !== undefined ? "verify-ca" : mode;
  return { ok: true, value: { mode: strict, ca, direct: negotiation === "direct" } };
}

function wrong(expected: string): { ok: false; expected: string } {
  return { ok: false, expected };
}
