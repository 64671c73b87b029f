import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatPositions, parsePositions, partitionsBehind } from "./positions.ts";

const position = fc.integer({ min: 0, max: 999_999_999_999_999 });
const place = fc.dictionary(fc.integer({ min: 0, max: 99_999 }).map(String), position, { minKeys: 1 });
const toMap = (parts: Record<string, number>) =>
  new Map(Object.entries(parts).map(([partition, at]) => [Number(partition), at]));

describe("a place in the stream", () => {
  test("is read back from the id that a client was given", () => {
    fc.assert(
      fc.property(place.map(toMap), (positions) => {
        expect(parsePositions(formatPositions(positions))).toEqual(positions);
        expect(formatPositions(positions)).toMatch(/^[0-9.-]+$/);
      }),
    );
  });

  test("before all events is one too", () => {
    expect(partitionsBehind(parsePositions(formatPositions(new Map())) ?? new Map(), new Map([[0, 1]]))).toEqual([0]);
  });

  test("is never made of anything else: any Last-Event-ID is refused, or numbers that are exact", () => {
    const near = fc.string({ unit: fc.constantFrom(..."0123456789.-"), maxLength: 60 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: "binary" })), (text) => {
        const positions = parsePositions(text);
        if (positions === undefined) return;
        expect(text).toMatch(/^[0-9.-]+$/);
        for (const [partition, at] of positions) {
          expect(Number.isSafeInteger(partition) && Number.isSafeInteger(at)).toBe(true);
          expect(partition).toBeGreaterThanOrEqual(0);
        }
        expect(parsePositions(formatPositions(positions))).toEqual(positions);
      }),
      { numRuns: 2_000 },
    );
    expect(parsePositions(`0-1${".0-1".repeat(5_000)}`)).toBeUndefined();
  });
});
