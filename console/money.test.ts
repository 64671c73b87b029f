import { describe, expect, test } from "bun:test";
import { formatMoney, isZero } from "./money.ts";

describe("an amount is shown exactly", () => {
  test.each([
    ["0.0000", "0.00"],
    ["1234.5000", "1,234.50"],
    ["10.0500", "10.05"],
    ["0.0001", "0.0001"],
    ["-1320.0000", "−1,320.00"],
    ["99999999999999.9999", "99,999,999,999,999.9999"],
  ])("%s as %s", (amount, shown) => {
    expect(formatMoney(amount)).toBe(shown);
  });

  test("zero is zero with any number of decimals", () => {
    expect(["0", "0.0000", "-0.0000", "0.0001", "10.0000"].map(isZero)).toEqual([true, true, true, false, false]);
  });
});
