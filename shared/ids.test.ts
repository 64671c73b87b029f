import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isUuid, uuidv7 } from "./ids.ts";

describe("an id", () => {
  test("that is made here is a UUID of version 7, new, in lower case, and sorts behind those made before", () => {
    const ids = Array.from({ length: 2_000 }, () => uuidv7() as string);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
  });

  test("of any version is one, in either case", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), (id, upper) => {
        expect(isUuid(upper ? id.toUpperCase() : id)).toBe(true);
      }),
    );
  });

  test("with a character more, less or changed is none, unless a digit stands for a digit", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(36), fc.string({ unit: "binary", maxLength: 2 }), (id, at, put) => {
        const changed = id.slice(0, at) + put + id.slice(at + 1);
        const digitForDigit = at < 36 && id[at] !== "-" && /^[0-9a-f]$/i.test(put);
        const nothing = changed === id;
        expect(isUuid(changed)).toBe(digitForDigit || nothing);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is no other text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(isUuid(text)).toBe(false);
      }),
    );
    expect(isUuid(`${uuidv7()}\n`)).toBe(false);
  });
});
