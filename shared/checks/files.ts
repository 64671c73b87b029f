import { join } from "node:path";
import type { Service } from "../database.ts";

/**
 * The checks are what lies in `sql/check/`; adding one is adding files.
 *
 * - `I2_name.sql`: statements for one schema, or for each of several. The first gives one row of figures, each other the
 *   rows that offend, with a column `fault` in words. No row: it holds.
 * - `I3_name/look.sql` and `I3_name/search.sql`: the same, where what holds can be seen in one look over everything. It gives
 *   the figures and `sound`; only if that is not true is there a search for the rows.
 * - `I1_name.sql` that says `-- look: name`: such a search, whose look several checks share. It is `looks/name.sql`, and its
 *   columns are named by check and figure, such as `"I1_name.sound"`.
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

/** A file to look at, and the checks that it tells of. */
export interface Look {
  readonly path: string;
  readonly schemas: readonly Service[];
  readonly checks: readonly Statements[];
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
/** Within it, the looks that several checks share. */
const LOOKS = "looks/";
const NAME = /^(I\d+)_[a-z_]+$/;
const SCHEMAS = /^-- schema: ((?:wallet|history)(?:, (?:wallet|history))*)\n/;
const HOLDS = /^-- (always|at rest): (.+)$/m;
const LOOK = /^-- look: ([a-z_]+)$/m;

/** All checks, in order of their names. */
export async function readChecks(folder: string = FOLDER): Promise<Check[]> {
  const all = await Array.fromAsync(new Bun.Glob("**/*.sql").scan({ cwd: folder }));
  const files = all.filter((file) => file.startsWith("I"));
  const names = [...new Set(files.map((file) => file.replace(/(\/\w+)?\.sql$/, "")))].sort();
  // All of nothing holds: that must not be taken for all is well.
  if (names.length === 0) throw new Error(`there are no checks in ${folder}`);
  return Promise.all(
    names.map((name) => {
      if (files.includes(`${name}.sql`)) return readAlone(folder, name);
      const part = (of: string): string => join(folder, name, `${of}.sql`);
      if (files.includes(join(name, "look.sql"))) return readStatements(name, part("look"), part("search"));
      return readComparison(name, part("history"), part("wallet"));
    }),
  );
}

/** What there is to look at for these checks, in their order; a file that several of them share comes once. */
export function looksOf(checks: readonly Statements[]): Look[] {
  const byPath = Map.groupBy(checks, ({ look }) => look);
  return [...byPath].map(([path, all]) => ({ path, schemas: all[0]?.schemas ?? [], checks: all }));
}

async function readAlone(folder: string, name: string): Promise<Statements> {
  const path = join(folder, `${name}.sql`);
  const [, look] = LOOK.exec(await Bun.file(path).text()) ?? [];
  if (look === undefined) return readStatements(name, path, undefined);
  return readStatements(name, join(folder, LOOKS, `${look}.sql`), path);
}

/** Its head is that of the search, where there is one. */
async function readStatements(name: string, look: string, search: string | undefined): Promise<Statements> {
  const text = await Bun.file(search ?? look).text();
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
