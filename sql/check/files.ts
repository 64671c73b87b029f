import { join } from "node:path";
import type { Service } from "../../shared/database.ts";
import { schemasOf } from "../migrate.ts";

/**
 * The checks are what lies in this folder; adding one is adding files.
 *
 * - `I1_name.sql`: statements for one schema, or for each of several. The first gives one row of figures, each other the
 *   rows that offend, with a column `fault` in words. No row: it holds.
 * - `I5_name/history.sql` and `I5_name/wallet.sql`: a comparison of two schemas that may live in two databases (compare.ts).
 *
 * A file begins with its schema, and with what holds: `-- always: …`, or `-- at rest: …` where a system at work may differ.
 */

interface Check {
  /** Such as `I1`. */
  readonly invariant: string;
  /** Such as `I1_money_conserved`. */
  readonly name: string;
  /** What holds, in words. */
  readonly holds: string;
  readonly when: "always" | "at rest";
}

export interface Statements extends Check {
  readonly kind: "statements";
  readonly schemas: readonly Service[];
  readonly text: string;
}

export interface Comparison extends Check {
  readonly kind: "comparison";
  readonly history: string;
  readonly wallet: string;
}

const NAME = /^(I\d+)_[a-z_]+$/;
const HOLDS = /^-- (always|at rest): (.+)$/m;

/** All checks, in order of their names. */
export async function readChecks(folder: string = import.meta.dir): Promise<(Statements | Comparison)[]> {
  const files = await Array.fromAsync(new Bun.Glob("**/*.sql").scan({ cwd: folder }));
  const names = [...new Set(files.map((file) => file.replace(/(\/\w+)?\.sql$/, "")))].sort();
  return Promise.all(
    names.map((name) => (files.includes(`${name}.sql`) ? readStatements(folder, name) : readComparison(folder, name))),
  );
}

async function readStatements(folder: string, name: string): Promise<Statements> {
  const text = await Bun.file(join(folder, `${name}.sql`)).text();
  return { kind: "statements", ...headOf(name, text), schemas: schemasOf(name, text), text };
}

async function readComparison(folder: string, name: string): Promise<Comparison> {
  const [history, wallet] = await Promise.all(
    ["history", "wallet"].map((side) => Bun.file(join(folder, name, `${side}.sql`)).text()),
  );
  if (history === undefined || wallet === undefined) throw new Error(`${name}: a comparison has two sides`);
  return { kind: "comparison", ...headOf(name, history), history, wallet };
}

function headOf(name: string, text: string): Check {
  const [, invariant] = NAME.exec(name) ?? [];
  const [, when, holds] = HOLDS.exec(text) ?? [];
  if (invariant === undefined || holds === undefined || (when !== "always" && when !== "at rest")) {
    throw new Error(
      `${name}: a check is named like I1_money_conserved and says what holds: "-- always: …" or "-- at rest: …".`,
    );
  }
  return { invariant, name, holds, when };
}
