import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isUuid } from "../ids.ts";
import { parseAmount } from "../money.ts";
import { amount, countParameter, text, userId, uuid } from "./fields.ts";

/** The patterns that requests are checked by, against what reads the values behind them. */

/** As TypeBox compiles patterns: without the flag that makes a surrogate pair one character. */
const accepts = (schema: { pattern?: string }, value: string) => new RegExp(schema.pattern ?? "(?!)").test(value);

describe("what a field accepts is what is read from it", () => {
  test("an amount", () => {
    const near = fc.string({ unit: fc.constantFrom(..."0123456789.-+e ,\n"), maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: "binary" })), (value) => {
        expect(accepts(amount, value)).toBe(parseAmount(value) !== undefined);
      }),
      { numRuns: 3_000 },
    );
  });

  test("an id", () => {
    const near = fc.tuple(fc.uuid(), fc.nat(36), fc.string({ maxLength: 2 })).map(([id, at, put]) => {
      return id.slice(0, at) + put + id.slice(at + 1);
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.uuid(), fc.string({ unit: "binary" })), (value) => {
        expect(accepts(uuid, value)).toBe(isUuid(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test("a count is an exact number", () => {
    const near = fc.string({ unit: fc.constantFrom(..."0123456789.-+e "), maxLength: 20 });
    fc.assert(
      fc.property(fc.oneof(near, fc.bigInt({ min: -1n, max: 10n ** 20n }).map(String)), (value) => {
        if (!accepts(countParameter, value)) return;
        expect(String(Number(value))).toBe(value);
        expect(Number(value)).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a text is what PostgreSQL can store, counted as it counts", () => {
  const points = (value: string) => [...value].length;
  const whole = fc.string({ unit: "binary", maxLength: 12 });
  /** Halves of surrogate pairs too, alone or in the wrong order. */
  const torn = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units));

  test("with control characters, but no NUL and no half of a character", () => {
    const field = text({ min: 2, max: 6, controls: true });
    fc.assert(
      fc.property(fc.oneof(whole, torn), (value) => {
        const fits = points(value) >= 2 && points(value) <= 6 && !value.includes("\0") && value.isWellFormed();
        expect(accepts(field, value)).toBe(fits);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a user's name has no control characters, and is a path segment of its own", () => {
    fc.assert(
      fc.property(
        fc.oneof(whole, torn, fc.constantFrom(".", "..", "...", "", "a".repeat(100), "a".repeat(101))),
        (value) => {
          const plain = value.isWellFormed() && !/\p{Cc}/u.test(value);
          const fits = points(value) >= 1 && points(value) <= 100 && plain && value !== "." && value !== "..";
          expect(accepts(userId, value)).toBe(fits);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
