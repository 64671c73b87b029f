import type { TransactionSql } from "postgres";
import type { Look } from "./files.ts";

/** A row as it is shown. */
export type Row = Readonly<Record<string, unknown>>;

/** What a check has found in one schema, or between two. */
export interface Findings {
  /** Counts and sums, as text: none of them is computed with. */
  readonly figures: Readonly<Record<string, string>>;
  /** At most {@link MOST_OFFENDING} of each statement. */
  readonly offending: readonly Row[];
}

/** At most this many offending rows come back of one statement; the files say `limit 100`. */
export const MOST_OFFENDING = 100;

/**
 * How whole tables are read best.
 * - Times are compared as text.
 * - Sorts and hash tables of all lines should not spill to disk.
 * - In the order of an index, each page would be read many times, which takes four times as long.
 * - The sessions are the parallel work: workers beside them would only take turns with them.
 */
const SETTINGS = {
  timezone: "UTC",
  datestyle: "ISO",
  work_mem: "128MB",
  jit: "off",
  random_page_cost: "50",
  enable_mergejoin: "off",
  max_parallel_workers_per_gather: "0",
};

/** Prepares a transaction for checks; its settings end with it. */
export async function prepareForChecks(sql: TransactionSql): Promise<void> {
  for (const [name, value] of Object.entries(SETTINGS)) await sql`select set_config(${name}, ${value}, true)`;
}

/**
 * Looks, and searches for what offends where the look is not enough.
 *
 * @returns what each check of the look has found, by its name
 */
export async function runLook(sql: TransactionSql, { path, checks }: Look): Promise<Map<string, Findings>> {
  const [[first = {}], ...found] = listsOf(await sql.file<Row[]>(path));
  const findings = new Map<string, Findings>();
  for (const { name, search } of checks) {
    const { sound, ...figures } = figuresOf(name, first);
    const offending = found.flat();
    if (search !== undefined && sound !== true) {
      offending.push(...listsOf(await sql.file<Row[]>(search)).flat());
      // The look and the search contradict each other: one of the two is wrong, and nobody knows which.
      if (offending.length === 0) offending.push({ fault: "something is not sound, and no row says what" });
    }
    const texts = Object.entries(figures).map(([figure, value]) => [figure, String(value)]);
    findings.set(name, { figures: Object.fromEntries(texts), offending });
  }
  return findings;
}

/** What a look says of one check: all of it, or, where several share it, the columns that bear the check's name. */
export function figuresOf(check: string, row: Row): Row {
  const prefix = `${check}.`;
  const own = Object.entries(row).filter(([column]) => column.startsWith(prefix) || !column.includes("."));
  return Object.fromEntries(own.map(([column, value]) => [column.replace(prefix, ""), value]));
}

/** The results of a file's statements: several come as a list of lists, one alone as its rows. */
function listsOf(result: readonly (Row | readonly Row[])[]): [readonly Row[], ...(readonly Row[])[]] {
  const lists = result.filter((each): each is readonly Row[] => Array.isArray(each));
  const [first, ...others] = lists;
  if (first !== undefined) return [first, ...others];
  return [result.filter((each): each is Row => !Array.isArray(each))];
}
