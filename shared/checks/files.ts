import { join } from "node:path";
import type { Service } from "../database.ts";

/**
 * The checks are what lies in `sql/check/`; adding one is adding files.
 *
 * - `I2_name.sql`: statements for one schema, or for each of several. The first gives one row of figures, each other the
 *   rows that offend, with a column `fault` in words. No row: it holds.
 * - `I1_name/look.sql` and `I1_name/search.sql`: the same, where what holds can be seen in one look over everything. It gives
 *   the figures and `sound`; only if that is not true is there a search for the rows.
 * - `I5_name/history.sql` and `I5_name/wallet.sql`: a comparison of two schemas that may live in two databases (compare.ts).
 *
 * A file begins with its schema, and with what holds: `-- always: …`, or `-- at rest: …` where a system at work may differ.
 */

interface Described {
  /** Such as `I1`. */
  readonly invariant: string;
  /** Such as `I1_money_conserved`. */
  readonly name: string;
  /** What holds, in words. */
  readonly holds: string;
  readonly when: "always" | "at rest";
}

/** A check within one schema. */
export interface Statements extends Described {
  readonly kind: "statements";
  readonly schemas: readonly Service[];
  /** Path of the file that gives the figures, and, where there is no other, the rows that offend. */
  readonly look: string;
  /** Path of the file that gives the rows that offend. */
  readonly search: string | undefined;
}

/** A check between the two schemas. */
export interface Comparison extends Described {
  readonly kind: "comparison";
  /** SQL. */
  readonly history: string;
  readonly wallet: string;
}

export type Check = Statements | Comparison;

const FOLDER = join(import.meta.dir, "../../sql/check");
const NAME = /^(I\d+)_[a-z_]+$/;
const SCHEMAS = /^-- schema: ((?:wallet|history)(?:, (?:wallet|history))*)\n/;
const HOLDS = /^-- (always|at rest): (.+)$/m;

/** All checks, in order of their names. */
export async function readChecks(folder: string = FOLDER): Promise<Check[]> {
  const files = await Array.fromAsync(new Bun.Glob("**/*.sql").scan({ cwd: folder }));
  const names = [...new Set(files.map((file) => file.replace(/(\/\w+)?\.sql$/, "")))].sort();
  return Promise.all(
    names.map((name) => {
      if (files.includes(`${name}.sql`)) return readStatements(name, join(folder, `${name}.sql`), undefined);
      const part = (of: string): string => join(folder, name, `${of}.sql`);
      if (files.includes(join(name, "look.sql"))) return readStatements(name, part("look"), part("search"));
      return readComparison(name, part("history"), part("wallet"));
    }),
  );
}

async function readStatements(name: string, look: string, search: string | undefined): Promise<Statements> {
  const text = await Bun.file(look).text();
  const [, named = ""] = SCHEMAS.exec(text) ?? [];
  const schemas = (["wallet", "history"] as const).filter((schema) => named.split(", ").includes(schema));
  if (schemas.length === 0)
    throw new Error(`${name}: the first line must name its schemas, such as "-- schema: wallet".`);
  return { kind: "statements", ...headOf(name, text), schemas, look, search };
}

async function readComparison(name: string, ofHistory: string, ofWallet: string): Promise<Comparison> {
  const [history, wallet] = await Promise.all([Bun.file(ofHistory).text(), Bun.file(ofWallet).text()]);
  return { kind: "comparison", ...headOf(name, history), history, wallet };
}

function headOf(name: string, text: string): Described {
  const [, invariant] = NAME.exec(name) ?? [];
  const [, when, holds] = HOLDS.exec(text) ?? [];
  if (invariant === undefined || holds === undefined || (when !== "always" && when !== "at rest")) {
    throw new Error(
      `${name}: a check is named like I1_money_conserved and says what holds: "-- always: …" or "-- at rest: …".`,
    );
  }
  return { invariant, name, holds, when };
}
