import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readInstant } from "./instants.ts";

/** Which texts are a time is told case by case in lists.test.ts; here is what holds for all of them. */

const FIRST_MS = Date.parse("0001-01-02T00:00:00Z");
const LAST_MS = Date.parse("9999-12-30T23:59:59Z");
const WRITTEN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** A second, microseconds of it, and an offset in minutes. */
const moment = fc.record({
  second: fc.integer({ min: FIRST_MS / 1_000, max: LAST_MS / 1_000 }),
  micros: fc.integer({ min: 0, max: 999_999 }),
  offset: fc.integer({ min: -1_439, max: 1_439 }),
});
type Moment = typeof moment extends fc.Arbitrary<infer T> ? T : never;

const two = (number: number) => String(number).padStart(2, "0");
const six = (number: number) => String(number).padStart(6, "0");
const secondText = (second: number) => new Date(second * 1_000).toISOString().slice(0, 19);

/** As a clock of that offset shows it. */
function local({ second, micros, offset }: Moment): string {
  const minutes = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${secondText(second + offset * 60)}.${six(micros)}${zone}`;
}

describe("a time means the same wherever its clock stands", () => {
  test("its UTC form is that of the moment, to the microsecond", () => {
    fc.assert(
      fc.property(moment, (each) => {
        expect(readInstant(local(each))).toBe(`${secondText(each.second)}.${six(each.micros)}Z`);
      }),
      { numRuns: 1_000 },
    );
  });

  test("what is earlier sorts before, as text too", () => {
    fc.assert(
      fc.property(moment, moment, (one, other) => {
        const before = one.second < other.second || (one.second === other.second && one.micros < other.micros);
        expect(readInstant(local(one))! < readInstant(local(other))!).toBe(before);
      }),
    );
  });

  test("digits past the microsecond never make it earlier, and at most a microsecond later", () => {
    const more = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(moment, more, (each, digits) => {
        const stored = readInstant(local({ ...each, offset: 0 }))!;
        const finer = readInstant(`${secondText(each.second)}.${six(each.micros)}${digits}Z`)!;
        const next = each.micros === 999_999 ? { second: each.second + 1, micros: 0 } : { micros: each.micros + 1 };
        const rounded = local({ ...each, ...next, offset: 0 });
        expect(finer).toBe(/[1-9]/.test(digits) ? readInstant(rounded)! : stored);
      }),
    );
  });
});

describe("no other text is a time", () => {
  const near = fc.string({ unit: fc.constantFrom(..."0123456789-+:.TZtz ") });
  /** A proper time with one character more, less or changed. */
  const nearly = fc
    .tuple(moment, fc.nat(40), fc.string({ unit: fc.constantFrom(..."0123456789-+:.TZ "), maxLength: 1 }))
    .map(([each, at, put]) => {
      const text = local(each);
      return text.slice(0, at) + put + text.slice(at + 1);
    });

  test("whatever is read is written in one form, which means itself, and is a time that exists", () => {
    fc.assert(
      fc.property(fc.oneof(near, nearly, fc.string({ unit: "binary" })), (text) => {
        const instant = readInstant(text);
        if (instant === undefined) return;
        expect(instant).toMatch(WRITTEN);
        expect(readInstant(instant)).toBe(instant);
        expect(new Date(instant).toISOString().slice(0, 19)).toBe(instant.slice(0, 19));
      }),
      { numRuns: 3_000 },
    );
  });
});
