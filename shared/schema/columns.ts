import { customType } from "drizzle-orm/pg-core";

/**
 * Column types as the API shows them, so that a row is nearly its JSON.
 */

/** `numeric(19,4)` as a decimal string with exactly four decimals, as PostgreSQL writes it. */
export const money = customType<{ data: string; driverData: string }>({ dataType: () => "numeric(19,4)" });

/** `numeric(24,4)`, likewise: a balance of the ledger, which may be more than a wallet may hold. */
export const ledgerMoney = customType<{ data: string; driverData: string }>({ dataType: () => "numeric(24,4)" });

/** `numeric` without a bound: a sum. */
export const total = customType<{ data: string; driverData: string }>({ dataType: () => "numeric" });

/** `char(3)`: an ISO 4217 code. */
export const currency = customType<{ data: string; driverData: string }>({ dataType: () => "character(3)" });

/** `timestamptz` as RFC 3339 in UTC with microseconds: `2026-01-31T09:30:00.123456Z`. */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => "timestamp with time zone",
  fromDriver: toInstant,
});

/** `bigint` as a number: wallet versions and offsets stay far below 2^53. */
export const count = customType<{ data: number; driverData: string | number }>({
  dataType: () => "bigint",
  fromDriver: Number,
});

/** `bytea`. */
export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "bytea" });

/** Any width of `varchar`, with the width in the type's name. */
export const text = (name: string, options: { length: number }) =>
  customType<{ data: string; driverData: string }>({ dataType: () => `character varying(${options.length})` })(name);

/** PostgreSQL's text of a `timestamptz` (`2026-01-31 09:30:00.1234+00`) as RFC 3339 with six decimals. */
export function toInstant(text: string): string {
  const [date = "", rest = ""] = text.split(" ");
  const zone = /([+-]\d\d(?::?\d\d)?)$/.exec(rest)?.[1] ?? "+00";
  const [clock = "", fraction = ""] = rest.slice(0, rest.length - zone.length).split(".");
  const digits = fraction.padEnd(6, "0");
  if (zone === "+00") return `${date}T${clock}.${digits}Z`;
  // A session in another time zone: JavaScript's dates carry milliseconds, so the microseconds are put back by hand.
  const offset = zone.length === 3 ? `${zone}:00` : zone;
  return `${new Date(`${date}T${clock}${offset}`).toISOString().slice(0, 19)}.${digits}Z`;
}
