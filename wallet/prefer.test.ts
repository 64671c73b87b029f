import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseWait, WAIT_MAX_S } from "./prefer.ts";

describe("wait=N is found in a Prefer header, and nothing else is", () => {
  test.each<[string | null, number | undefined]>([
    [null, undefined],
    ["", undefined],
    ["wait=10", 10],
    ["wait=0", 0],
    ["wait=30", 30],
    ["wait=31", WAIT_MAX_S],
    ["wait=99999999999999999999", WAIT_MAX_S],
    ["WAIT = 5", 5],
    ['wait="7"', 7],
    ["respond-async, wait=5", 5],
    ["wait=5; strict, return=minimal", 5],
    ["wait=3, wait=9", 3],
    ["wait", undefined],
    ["wait=", undefined],
    ["wait=-1", undefined],
    ["wait=1.5", undefined],
    ["wait=5s", undefined],
    ["await=5", undefined],
    ["note=wait=5", undefined],
    ['note="be quick, wait=5"', undefined],
    ['note="say \\", wait=5", wait=2', 2],
  ])("%p: %p", (header, seconds) => {
    expect(parseWait(header)).toBe(seconds);
  });

  const token = fc.string({ unit: fc.constantFrom(..."abcdefgh-"), minLength: 1, maxLength: 8 });
  const quoted = fc.string({ maxLength: 12 }).map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`);
  const other = fc.oneof(
    token,
    fc.tuple(token, fc.oneof(token, quoted)).map(([name, value]) => `${name}=${value}`),
  );
  const blank = fc.constantFrom("", " ", "\t", "  ");

  test("among any other preferences, which may quote anything", () => {
    const numRuns = 1_000;
    fc.assert(
      fc.property(fc.array(other), fc.array(other), fc.nat(100), blank, (before, behind, seconds, space) => {
        const header = [...before, `wait=${seconds}`, ...behind].join(`${space},${space}`);
        expect(parseWait(header)).toBe(Math.min(seconds, WAIT_MAX_S));
        expect(parseWait([...before, ...behind].join(","))).toBeUndefined();
      }),
      { numRuns },
    );
  });

  test("any header is answered, at once, with no wait or one that may be", () => {
    const hostile = fc.array(fc.constantFrom("wait", "=", '"', ",", ";", " ", "\\", "1", "x"), { maxLength: 300 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          hostile.map((parts) => parts.join("")),
        ),
        (header) => {
          const seconds = parseWait(header) ?? 0;
          expect(Number.isInteger(seconds) && seconds >= 0 && seconds <= WAIT_MAX_S).toBe(true);
        },
      ),
    );
    const started = performance.now();
    parseWait(`${'"'.repeat(20_001)}, wait=1`);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
