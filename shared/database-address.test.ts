import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseDatabaseAddress } from "./database-address.ts";

const PLAIN = "postgres://me:p%40ss@db.example:5433/wallet";
/** Any file that holds the first line of a certificate: nobody looks at more before a connection does. */
const CERTIFICATES = join(import.meta.dir, "database-address.test.ts");
const BEGIN = "-----BEGIN CERTIFICATE-----";

function tlsOf(query: string) {
  const parsed = parseDatabaseAddress(`${PLAIN}?${query}`);
  if (!parsed.ok) throw new Error(parsed.expected);
  return { ...parsed.value.tls, url: parsed.value.url };
}

describe("an address says how sure one has to be of the database", () => {
  test("without a word about TLS it stays as it is, in the clear", () => {
    expect(parseDatabaseAddress(PLAIN)).toEqual({ ok: true, value: { url: PLAIN, tls: null } });
    expect(parseDatabaseAddress(`${PLAIN}?sslmode=disable`)).toMatchObject({ value: { tls: null } });
  });

  test("in the words of libpq, and none of them reaches the server as a setting", () => {
    const root = encodeURIComponent(CERTIFICATES);
    expect(tlsOf(`sslmode=verify-full&sslrootcert=${root}&application_name=x`)).toMatchObject({
      mode: "verify-full",
      ca: expect.stringContaining(BEGIN),
      direct: false,
      url: `${PLAIN}?application_name=x`,
    });
    expect(tlsOf("sslmode=verify-ca&sslnegotiation=direct")).toMatchObject({ mode: "verify-ca", direct: true });
    expect(tlsOf("sslmode=require")).toMatchObject({ mode: "require", ca: undefined });
    expect(tlsOf(`sslmode=require&sslrootcert=${root}`)).toMatchObject({ mode: "verify-ca" });
    expect(tlsOf("sslrootcert=system")).toMatchObject({ mode: "verify-full", ca: undefined });
  });

  test.each([
    ["sslmode=prefer", "certain about TLS"],
    ["sslmode=allow", "certain about TLS"],
    ["sslmode=verify", "certain about TLS"],
    ["sslrootcert=/nowhere/ca.pem", "certain about TLS"],
    ["sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "a file of PEM certificates"],
    [`sslmode=verify-full&sslrootcert=${encodeURIComponent(import.meta.dir)}`, "a file of PEM certificates"],
    ["sslmode=verify-ca&sslrootcert=system", "verify-full"],
    ["sslmode=verify-full&sslnegotiation=now", "sslnegotiation"],
    ["sslmode=verify-full&sslcert=/mine.pem", "only sslmode"],
    ["ssl=true", "only sslmode"],
  ])("%s is refused, without repeating it", (query, expected) => {
    const parsed = parseDatabaseAddress(`${PLAIN}?${query}`);
    expect(parsed).toMatchObject({ ok: false, expected: expect.stringContaining(expected) });
    expect(JSON.stringify(parsed)).not.toContain("p%40ss");
    expect(JSON.stringify(parsed)).not.toContain("nowhere");
  });
});
