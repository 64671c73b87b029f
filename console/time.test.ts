import { describe, expect, test } from "bun:test";
import { formatSpan, toMs } from "./time.ts";

describe("times keep their microseconds", () => {
  test("as milliseconds with decimals", () => {
    const at = toMs("2026-01-31T12:00:00.123456Z");
    expect(at - Date.UTC(2026, 0, 31, 12)).toBeCloseTo(123.456, 3);
    expect(toMs("2026-01-31T12:00:00Z")).toBe(Date.UTC(2026, 0, 31, 12));
  });

  test.each([
    [0.25, "0.3 ms"],
    [34.21, "34.2 ms"],
    [-2.4, "-2.4 ms"],
    [1_280, "1.28 s"],
    [180_000, "3 min"],
    [7_200_000, "2 h"],
    [172_800_000, "2 d"],
  ])("%d ms are shown as %s", (ms, shown) => {
    expect(formatSpan(ms)).toBe(shown);
  });
});
