import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseKey } from "../shared/http/idempotency-key.ts";
import { Problem } from "../shared/http/problems.ts";
import { attemptOf, fingerprint } from "./idempotency.ts";

const request = (headers: Record<string, string> = {}, path = "/wallets/1/fund", method = "POST") =>
  new Request(`http://localhost${path}`, { method, headers });
const keyOf = (header: string) => parseKey(request({ "idempotency-key": header }));

/** A Structured Fields string that means the text. */
const quote = (text: string) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 255,
});

describe("a key is 1 to 255 visible ASCII characters, bare or quoted", () => {
  test("without the header there is none", () => {
    expect(parseKey(request())).toBeUndefined();
  });

  test("both forms mean the same key", () => {
    fc.assert(
      fc.property(visible, (key) => {
        expect(keyOf(quote(key))).toBe(key);
        // A bare key that looks like a quoted one is a quoted one.
        if (!key.startsWith('"')) expect(keyOf(key)).toBe(key);
      }),
    );
  });

  test.each([
    ["abc", "abc"],
    ['"abc"', "abc"],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\b"', "a\\b"],
    ['"', '"'],
    ['"abc', '"abc'],
    ['abc"', 'abc"'],
    ['"a"b"', '"a"b"'],
    ['"a\\b"', '"a\\b"'],
    ["x".repeat(255), "x".repeat(255)],
    [`"${"x".repeat(255)}"`, "x".repeat(255)],
  ])("%s is the key %s", (header, key) => {
    expect(keyOf(header)).toBe(key);
  });

  test("any header is a key of that kind, or a malformed request", () => {
    const hostile = fc.string({ unit: fc.constantFrom('"', "\\", " ", "a", "~", "!"), maxLength: 40 });
    const latin = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(fc.oneof(hostile, latin), (header) => {
        let key: string | undefined;
        try {
          key = keyOf(header);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          return;
        }
        expect(key).toMatch(/^[\x21-\x7e]{1,255}$/);
        // The key by its other spelling is the same key.
        if (key !== undefined) expect(keyOf(quote(key))).toBe(key);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(["", '""', "a b", '"a b"', "x".repeat(256), `"${"x".repeat(256)}"`, "\u00e9", "a\tb"])(
    "%p is refused",
    (header) => {
      try {
        keyOf(header);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
        expect(error).toMatchObject({
          problem: "invalid_request",
          options: { errors: [{ in: "header", path: "/Idempotency-Key" }] },
        });
      }
    },
  );
});

describe("a fingerprint tells requests apart, and nothing else", () => {
  const body = fc.dictionary(
    fc.constantFrom("amount", "description", "reference", "to_wallet_id", "user_id"),
    fc.string({ unit: "binary" }),
  );

  test("it is SHA-256 in hexadecimal", () => {
    expect(fingerprint("POST", "/wallets", {})).toMatch(/^[0-9a-f]{64}$/);
  });

  test("the order of members and nulls make no difference", () => {
    fc.assert(
      fc.property(body, (members) => {
        const turned = Object.fromEntries(Object.entries(members).reverse());
        expect(fingerprint("POST", "/x", { ...turned, absent: null, gone: undefined })).toBe(
          fingerprint("POST", "/x", members),
        );
      }),
    );
  });

  test("different members make different fingerprints", () => {
    fc.assert(
      fc.property(body, body, (one, other) => {
        const same = Bun.deepEquals(one, other);
        expect(fingerprint("POST", "/x", one) === fingerprint("POST", "/x", other)).toBe(same);
      }),
      { numRuns: 500 },
    );
  });

  test("members do not run into each other", () => {
    const pairs = [
      [{ a: "1", b: "2" }, { a: '1","b":"2' }],
      [{ a: "b" }, { b: "a" }],
      [{ a: "" }, {}],
      [{ description: "x" }, { reference: "x" }],
    ];
    for (const [one, other] of pairs)
      expect(fingerprint("POST", "/x", one!)).not.toBe(fingerprint("POST", "/x", other!));
  });

  test("method and path belong to it; a slash at the end and the case of an id do not", () => {
    const here = fingerprint("POST", "/wallets/ab/fund", {});
    expect(fingerprint("POST", "/wallets/ab/fund/", {})).toBe(here);
    expect(fingerprint("POST", "/wallets/AB/fund", {})).toBe(here);
    expect(fingerprint("PUT", "/wallets/ab/fund", {})).not.toBe(here);
    expect(fingerprint("POST", "/wallets/ac/fund", {})).not.toBe(here);
    expect(fingerprint("POST", "/wallets/ab/withdraw", {})).not.toBe(here);
  });
});

describe("an attempt carries what the database needs of its request", () => {
  const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  test("an internal key is one that no client can send", () => {
    const { key } = attemptOf(request(), "the-id");
    expect(key).toBe(" the-id");
    expect(() => keyOf(key)).not.toThrow();
    expect(keyOf(key)).not.toBe(key);
  });

  test("a key that the body names goes before the header's", () => {
    expect(attemptOf(request({ "idempotency-key": "header" }), "id", {}, "body").key).toBe("body");
    expect(attemptOf(request({ "idempotency-key": "header" }), "id").key).toBe("header");
  });

  test("path, request id and trace, and only a trace that is one", () => {
    const headers = { "request-id": "r1", traceparent: TRACE };
    expect(attemptOf(request(headers, "/wallets/1/fund?x=1"), "id")).toMatchObject({
      ...{ instance: "/wallets/1/fund", request_id: "r1", traceparent: TRACE },
    });
    for (const traceparent of ["", "x", TRACE.toUpperCase(), `${TRACE}-x`, TRACE.replace("00-", "ff-")])
      expect(attemptOf(request({ traceparent }), "id")).not.toHaveProperty("traceparent");
  });

  test.each<[string, readonly number[] | undefined]>([
    ['"3"', [3]],
    ['"3", W/"4", "5"', [3, 5]],
    ['W/"3"', []],
    ["*", undefined],
  ])("If-Match %s asks for %p", (header, versions) => {
    expect(attemptOf(request({ "if-match": header }), "id").if_match).toEqual(versions);
  });
});
