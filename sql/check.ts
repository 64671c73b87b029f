import { type Check, type Comparison, readChecks, type Statements } from "../shared/checks/files.ts";
import { type Findings, type Row, runStatements } from "../shared/checks/statements.ts";
import type { Service } from "../shared/database.ts";
import { compare } from "./check/compare.ts";
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

/** One check in one place. */
type Task =
  | { readonly check: Statements; readonly where: Service }
  | { readonly check: Comparison; readonly where: "wallet ↔ history" };

function tasksOf(check: Check): Task[] {
  if (check.kind === "comparison") return [{ check, where: "wallet ↔ history" }];
  return check.schemas.map((where) => ({ check, where }));
}

/** The sessions on each database's snapshot. */
type Snapshots = Readonly<Record<Service, Sessions>>;

function look(databases: CheckedDatabases, checks: readonly Check[], live: boolean): Promise<CheckResult[]> {
  // The history's snapshot first: what it knows, the wallet's later one knows too.
  return inSnapshot(databases.history, "history", (history) =>
    inSnapshot(databases.wallet, "wallet", async (wallet) => {
      const tasks = checks.flatMap(tasksOf);
      // The longest first, and those that need a session of both.
      const [between, within] = [
        tasks.filter(({ check }) => check.kind === "comparison"),
        tasks.filter(({ check }) => check.kind === "statements"),
      ];
      const results = new Map<Task, CheckResult>();
      const run = async (task: Task): Promise<void> => {
        results.set(task, await judge(task, { wallet, history }, live));
      };
      await Promise.all([...between, ...within].map(run));
      return tasks.flatMap((task) => results.get(task) ?? []);
    }),
  );
}

async function judge(task: Task, snapshots: Snapshots, live: boolean): Promise<CheckResult> {
  const { invariant, name, holds: states, when } = task.check;
  const { findings, took_ms } = await find(task, snapshots, live);
  return {
    invariant,
    name,
    states,
    where: task.where,
    holds: live && when === "at rest" && task.check.kind === "statements" ? null : findings.offending.length === 0,
    at_rest: when === "at rest",
    took_ms: Math.round(took_ms),
    ...findings,
  };
}

interface Found {
  readonly findings: Findings;
  /** Without the wait for a session. */
  readonly took_ms: number;
}

async function find(task: Task, { wallet, history }: Snapshots, live: boolean): Promise<Found> {
  const timed = async (work: () => Promise<Findings>): Promise<Found> => {
    const started = performance.now();
    const findings = await work();
    return { findings, took_ms: performance.now() - started };
  };
  try {
    if (task.where === "wallet ↔ history") {
      const { check } = task;
      // Always the history's first, so that no two wait for each other's.
      return await history.use((ofHistory) =>
        wallet.use((ofWallet) => timed(() => compare(check, { wallet: ofWallet, history: ofHistory }, live))),
      );
    }
    const { check, where } = task;
    const sessions = where === "wallet" ? wallet : history;
    return await sessions.use((sql) => timed(() => runStatements(sql, check)));
  } catch (error) {
    throw new Error(`The check ${task.check.name} could not be run.`, { cause: error });
  }
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
