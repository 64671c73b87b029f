import { Decimal } from "decimal.js";

/**
 * Money: exact decimals with four places. This is the only file that knows decimal.js.
 *
 * Everywhere else an amount is a decimal string (JSON, SQL `numeric(19,4)`) or a {@link Money}, never a `number`.
 */
const Exact = Decimal.clone({ precision: 60, toExpNeg: -60, toExpPos: 60 });

/** An exact amount in one currency's units, scale 4. */
export type Money = Decimal;

/** Decimal places of every amount, in JSON and in `numeric(19,4)`. */
export const SCALE = 4;

/** What a client may write: no sign, no exponent, no leading zero, at most 15 digits before and 4 behind the point. */
export const AMOUNT_PATTERN = /^(0|[1-9]\d{0,14})(\.\d{1,4})?$/;

/** The most that a wallet may hold. The column keeps ten times that, so that a settlement never overflows. */
export const BALANCE_LIMIT = money("99999999999999.9999");

export const ZERO = money("0");

/** A {@link Money} from a decimal string that is known to be one, such as a column of a row. */
export function money(text: string): Money {
  return new Exact(text);
}

/** The client's amount in canonical form (`"10.5"` → `"10.5000"`), or undefined where it is refused: never rounded. */
export function parseAmount(text: unknown): string | undefined {
  if (typeof text !== "string" || !AMOUNT_PATTERN.test(text)) return undefined;
  const [whole = "0", fraction = ""] = text.split(".");
  const canonical = `${whole}.${fraction.padEnd(SCALE, "0")}`;
  return canonical === "0.0000" ? undefined : canonical;
}

/** Exactly four decimals, as every answer has them. */
export function formatAmount(amount: Money): string {
  return amount.toFixed(SCALE);
}
