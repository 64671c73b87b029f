import { type Check, type Comparison, type Look, looksOf, readChecks } from "../shared/checks/files.ts";
import { type Findings, type Row, runLook } from "../shared/checks/statements.ts";
import type { Service } from "../shared/database.ts";
import { compare, type Sides } from "./check/compare.ts";
import { inSnapshot, type Sessions } from "./check/sessions.ts";

/**
 * Verifies that the invariants of the two databases hold: money is neither made nor lost, the history equals what happened.
 * It reads only, one consistent snapshot of each database, and may run beside the servers.
 */

/** Where each schema lives, as a login that may read all of it; the two may be one database. */
export interface CheckedDatabases {
  readonly wallet: string;
  readonly history: string;
}

export interface CheckOptions {
  /** The system is at work: the history is judged up to where it has come, and what holds only at rest is not judged. */
  readonly live?: boolean;
  /** How long events may still be on their way before what holds at rest is judged. */
  readonly wait_ms?: number;
}

/** What became of one check. */
export interface CheckResult extends Findings {
  /** Such as `I1`. */
  readonly invariant: string;
  /** Such as `I1_money_conserved`. */
  readonly name: string;
  /** What should hold, in words. */
  readonly states: string;
  /** Where: one schema, or between the two. */
  readonly where: Service | "wallet ↔ history";
  /** Null: not judged, because the system is at work. */
  readonly holds: boolean | null;
  /** Whether it holds only at rest, so that a system whose events are under way may still pass. */
  readonly at_rest: boolean;
  /** Of the look, which several checks may share. */
  readonly took_ms: number;
}

export interface CheckReport {
  readonly holds: boolean;
  readonly results: readonly CheckResult[];
}

/** Long enough for a restarted relay to take over its lease and catch up. */
export const DEFAULT_WAIT_MS = 10_000;
/** Between two looks at a system that has not come to rest. */
const PAUSE_MS = 250;

/** Runs all checks. Looks again while only what holds at rest fails, for as long as `wait_ms` allows. */
export async function check(databases: CheckedDatabases, options: CheckOptions = {}): Promise<CheckReport> {
  const { live = false, wait_ms = DEFAULT_WAIT_MS } = options;
  const checks = await readChecks();
  const deadline = performance.now() + wait_ms;
  for (;;) {
    const results = await look(databases, checks, live);
    const failed = results.filter(({ holds }) => holds === false);
    const mayStillPass = failed.length > 0 && !live && failed.every(({ at_rest }) => at_rest);
    if (!mayStillPass || performance.now() >= deadline) return { holds: failed.length === 0, results };
    await Bun.sleep(PAUSE_MS);
  }
}

/** What one session, or one of each database, does at a time. */
type Task =
  | { readonly kind: "look"; readonly look: Look; readonly checks: readonly Check[]; readonly where: Service }
  | {
      readonly kind: "comparison";
      readonly comparison: Comparison;
      readonly checks: readonly Check[];
      readonly where: "wallet ↔ history";
    };

/**
 * The longest first, so that the sessions come to their ends together: those between the databases, then looks over everything,
 * which take the longer the more checks share them.
 */
function tasksOf(checks: readonly Check[]): Task[] {
  const comparisons = checks
    .filter((check) => check.kind === "comparison")
    .map(
      (comparison) => ({ kind: "comparison", comparison, checks: [comparison], where: "wallet ↔ history" }) as const,
    );
  const looks = looksOf(checks.filter((check) => check.kind === "statements")).flatMap((look) =>
    look.schemas.map((where) => ({ kind: "look", look, checks: look.checks, where }) as const),
  );
  const length = ({ look }: { look: Look }): number => look.checks.filter(({ search }) => search !== undefined).length;
  return [...comparisons, ...looks.toSorted((one, other) => length(other) - length(one))];
}

/** The sessions on each database's snapshot. */
type Snapshots = Readonly<Record<Service, Sessions>>;

function look(databases: CheckedDatabases, checks: readonly Check[], live: boolean): Promise<CheckResult[]> {
  // The history's snapshot first: what it knows, the wallet's later one knows too.
  return inSnapshot(databases.history, "history", (history) =>
    inSnapshot(databases.wallet, "wallet", async (wallet) => {
      const results = await Promise.all(tasksOf(checks).map((task) => judge(task, { wallet, history }, live)));
      return checks.flatMap(({ name }) => results.flat().filter((result) => result.name === name));
    }),
  );
}

async function judge(task: Task, snapshots: Snapshots, live: boolean): Promise<CheckResult[]> {
  const { findings, took_ms } = await find(task, snapshots, live);
  return task.checks.map(({ invariant, name, holds: states, when, kind }) => {
    const found = findings.get(name) ?? { figures: {}, offending: [] };
    return {
      invariant,
      name,
      states,
      where: task.where,
      holds: live && when === "at rest" && kind === "statements" ? null : found.offending.length === 0,
      at_rest: when === "at rest",
      took_ms: Math.round(took_ms),
      ...found,
    };
  });
}

interface Found {
  /** By the name of the check. */
  readonly findings: ReadonlyMap<string, Findings>;
  /** Without the wait for a session. */
  readonly took_ms: number;
}

async function find(task: Task, { wallet, history }: Snapshots, live: boolean): Promise<Found> {
  try {
    if (task.kind === "look") {
      const sessions = task.where === "wallet" ? wallet : history;
      return await sessions.use((sql) => timed(() => runLook(sql, task.look)));
    }
    const { comparison } = task;
    const between = async (sides: Sides) => new Map([[comparison.name, await compare(comparison, sides, live)]]);
    // Always the history's first, so that no two wait for each other's.
    return await history.use((ofHistory) =>
      wallet.use((ofWallet) => timed(() => between({ wallet: ofWallet, history: ofHistory }))),
    );
  } catch (error) {
    throw new Error(`The check ${task.checks.map(({ name }) => name).join(", ")} could not be run.`, { cause: error });
  }
}

async function timed(work: () => Promise<ReadonlyMap<string, Findings>>): Promise<Found> {
  const started = performance.now();
  const findings = await work();
  return { findings, took_ms: performance.now() - started };
}

/** The failed checks and their offending rows as text, for the message of a test. */
export function failures(report: CheckReport): string {
  return report.results
    .filter(({ holds }) => holds === false)
    .map(
      ({ name, where, offending }) =>
        `${name} (${where}): ${offending.map((row: Row) => JSON.stringify(row)).join("\n  ")}`,
    )
    .join("\n");
}

if (import.meta.main) {
  const { runCommand } = await import("./check/command.ts");
  process.exit(await runCommand(process.argv.slice(2)));
}
