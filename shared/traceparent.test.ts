import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseTraceparent } from "./traceparent.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const nonZero = (length: number) => hex(length).filter((text) => /[1-9a-f]/.test(text));
const traceparent = fc
  .tuple(nonZero(32), nonZero(16), hex(2))
  .map(([trace, parent, flags]) => `00-${trace}-${parent}-${flags}`);

describe("a traceparent is taken as it came, or not at all", () => {
  test("every one of version 00 is", () => {
    fc.assert(
      fc.property(traceparent, (text) => {
        expect(parseTraceparent(text)).toBe(text);
      }),
    );
  });

  test("one with a character more, less or changed is not, unless it is one again", () => {
    const changed = fc.tuple(traceparent, fc.nat(56), fc.string({ unit: "binary", maxLength: 2 }));
    fc.assert(
      fc.property(changed, ([text, at, put]) => {
        const other = text.slice(0, at) + put + text.slice(at + 1);
        const isOne = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(other) && !other.endsWith("\n");
        expect(parseTraceparent(other)).toBe(isOne ? other : undefined);
      }),
      { numRuns: 1_000 },
    );
  });

  test("nothing, and any other text, is no trace and no error", () => {
    expect([parseTraceparent(null), parseTraceparent(undefined)]).toEqual([undefined, undefined]);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(parseTraceparent(text)).toBeUndefined();
      }),
    );
  });
});
