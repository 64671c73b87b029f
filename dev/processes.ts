/**
 * Processes that may outlive the one that started them. A process is known by its id and its time of birth, because
 * the system gives an id to somebody else once it is free.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { platform } from "node:os";

/** One process, for good: no later process with the same id has the same birth. */
export interface ProcessIdentity {
  pid: number;
  birth: string;
}

/** How often the end of a process is looked for. */
const POLL_MS = 20;

/** The identity of a living process; null if there is none, or if it is dead and only waits for its parent's look. */
export function identify(pid: number): ProcessIdentity | null {
  const birth = platform() === "linux" ? birthInProc(pid) : birthByPs(pid);
  return birth === null ? null : { pid, birth };
}

/** Whether this very process, not a later one with its id, is alive. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.birth === identity.birth;
}

/** Sends the signals one after the other, each with its time to work, until the process is gone. Says whether it is. */
export async function end(
  identity: ProcessIdentity,
  steps: readonly { signal: NodeJS.Signals; wait_ms: number }[],
): Promise<boolean> {
  for (const { signal, wait_ms } of steps) {
    if (!isRunning(identity)) return true;
    try {
      process.kill(identity.pid, signal);
    } catch {
      // It ended between the look and the signal, or belongs to another user; the next look tells which.
    }
    const deadline = performance.now() + wait_ms;
    while (performance.now() < deadline) {
      if (!isRunning(identity)) return true;
      await Bun.sleep(POLL_MS);
    }
  }
  return !isRunning(identity);
}

/** Notes the process in a file, for whoever has to clean up after a sudden death of this one. */
export function record(file: string, pid: number): void {
  const identity = identify(pid);
  if (identity !== null) writeFileSync(file, `${JSON.stringify(identity)}\n`);
}

/** The process noted in the file, if it is still alive. */
export function recorded(file: string): ProcessIdentity | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!isIdentity(parsed)) return null;
    return isRunning(parsed) ? { pid: parsed.pid, birth: parsed.birth } : null;
  } catch {
    return null;
  }
}

/** Removes the note. */
export function forget(file: string): void {
  rmSync(file, { force: true });
}

/** The words of the command of a living process; empty if there is none. */
export function commandOf(pid: number): string[] {
  if (platform() === "linux") {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
    } catch {
      return [];
    }
  }
  return ps("command=", pid).split(/\s+/).filter(Boolean);
}

/** The parent of a living process; null if there is none. */
export function parentOf(pid: number): number | null {
  const parent = platform() === "linux" ? statFields(pid)?.[1] : ps("ppid=", pid);
  const number = Number(parent);
  return Number.isInteger(number) && number > 0 ? number : null;
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "birth" in value &&
    typeof value.birth === "string"
  );
}

/** The fields of /proc/<pid>/stat from the third on (state, parent, …): the second may hold blanks and brackets. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function birthInProc(pid: number): string | null {
  const fields = statFields(pid);
  const state = fields?.[0];
  // Field 22 of proc(5), the start time in clock ticks since boot.
  const birth = fields?.[19];
  return state === undefined || state === "Z" || state === "X" ? null : (birth ?? null);
}

function birthByPs(pid: number): string | null {
  const [state = "", ...birth] = ps("state=,lstart=", pid).split(/\s+/);
  return state === "" || state.startsWith("Z") ? null : birth.join(" ");
}

function ps(columns: string, pid: number): string {
  return Bun.spawnSync(["ps", "-o", columns, "-p", String(pid)])
    .stdout.toString()
    .trim();
}
