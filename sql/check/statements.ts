import type { TransactionSql } from "postgres";

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

/** Runs a file's statements: figures first, then what offends. */
export async function runStatements(sql: TransactionSql, text: string): Promise<Findings> {
  // Several statements in one string come back as a list of results; one alone would come back as its rows.
  const results = await sql.unsafe<Row[][]>(text).simple();
  const [figures = [], ...offending] = results;
  return {
    figures: Object.fromEntries(Object.entries(figures[0] ?? {}).map(([name, value]) => [name, String(value)])),
    offending: offending.flat(),
  };
}
