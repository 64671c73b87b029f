import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AMOUNT_PATTERN, BALANCE_LIMIT, formatAmount, money, parseAmount, ZERO } from "./money.ts";

/** Digits of an amount: up to 15 before the point and up to 4 behind it, not all zero. */
const whole = fc.bigInt({ min: 0n, max: 999_999_999_999_999n });
const fraction = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 4 });
const amount = fc
  .tuple(whole, fraction)
  .map(([before, behind]) => (behind === "" ? `${before}` : `${before}.${behind}`))
  .filter((text) => /[1-9]/.test(text));

describe("an amount is a decimal string with up to four decimals", () => {
  test.each([
    ["1", "1.0000"],
    ["10.5", "10.5000"],
    ["0.0001", "0.0001"],
    ["0.1", "0.1000"],
    ["100", "100.0000"],
    ["999999999999999.9999", "999999999999999.9999"],
  ])("%s is %s", (text, canonical) => {
    expect(parseAmount(text)).toBe(canonical);
  });

  test.each([
    ...["", " ", "0", "0.0", "0.0000", "-0", "-1", "+1", "01", "00.1", ".5", "5.", ".", "1.00001", "1e3", "1E3", "0x1"],
    ...[
      "1,000",
      "1_000",
      " 1",
      "1 ",
      "1\n",
      "\n1",
      "１",
      "٣",
      "½",
      "NaN",
      "Infinity",
      "1.0.0",
      "1000000000000000",
      "--1",
    ],
  ])("%p is refused", (text) => {
    expect(parseAmount(text)).toBeUndefined();
  });

  test.each([[1], [1.5], [Number.NaN], [10n], [null], [undefined], [true], [{}], [["1"]], [new String("1")]])(
    "%p is refused for not being a string",
    (value) => {
      expect(parseAmount(value)).toBeUndefined();
    },
  );

  test("what is accepted keeps its value, and its canonical form means itself", () => {
    fc.assert(
      fc.property(amount, (text) => {
        const canonical = parseAmount(text)!;
        expect(canonical).toMatch(/^(0|[1-9]\d{0,14})\.\d{4}$/);
        expect(formatAmount(money(text))).toBe(canonical);
        expect(parseAmount(canonical)).toBe(canonical);
        // In ten-thousandths both are the same whole number.
        const [before = "", behind = ""] = text.split(".");
        expect(BigInt(canonical.replace(".", ""))).toBe(BigInt(before + behind.padEnd(4, "0")));
      }),
    );
  });

  test("no other text is accepted", () => {
    const near = fc.string({ unit: fc.constantFrom(..."0123456789.-+eE _,\n"), maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: "binary" })), (text) => {
        const plain = /^\d+(\.\d+)?$/.test(text) && !/^0\d/.test(text) && /[1-9]/.test(text);
        const short = text.split(".")[0]!.length <= 15 && (text.split(".")[1] ?? "").length <= 4;
        expect(parseAmount(text) !== undefined).toBe(plain && short && !text.endsWith("\n"));
      }),
      { numRuns: 2_000 },
    );
  });

  test("the pattern is not fooled by lines", () => {
    expect(AMOUNT_PATTERN.test("1\n2")).toBe(false);
  });
});

describe("money is exact", () => {
  const tenThousandths = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
  const ofUnits = (units: bigint) => {
    const digits = `${units < 0n ? -units : units}`.padStart(5, "0");
    return `${units < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
  };

  test("sums and differences are those of whole numbers", () => {
    fc.assert(
      fc.property(tenThousandths, tenThousandths, (a, b) => {
        const [left, right] = [money(ofUnits(a)), money(ofUnits(b))];
        expect(formatAmount(left.plus(right))).toBe(ofUnits(a + b));
        expect(formatAmount(left.minus(right))).toBe(ofUnits(a - b));
        expect(left.lessThan(right)).toBe(a < b);
      }),
    );
  });

  test("what floating point gets wrong", () => {
    expect(formatAmount(money("0.1").plus("0.2"))).toBe("0.3000");
    expect(formatAmount(BALANCE_LIMIT.plus("0.0001"))).toBe("100000000000000.0000");
    expect(formatAmount(BALANCE_LIMIT)).toBe("99999999999999.9999");
    expect(formatAmount(ZERO)).toBe("0.0000");
  });

  test("no number is ever written with an exponent", () => {
    expect(money("0.0001").toString()).toBe("0.0001");
    expect(money(`1${"0".repeat(30)}`).toString()).toBe(`1${"0".repeat(30)}`);
  });
});
