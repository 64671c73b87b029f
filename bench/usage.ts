/** CPU and memory of processes, from Linux's /proc: what the processes used themselves, not what the machine did. */
import { readdirSync, readFileSync } from "node:fs";

/** A process by the name that the report shows; its children count with it (PostgreSQL has one for each session). */
export interface Watched {
  readonly name: string;
  readonly pid: number;
}

export interface Usage {
  /** CPU seconds, user and system; 0 where the machine has no /proc. */
  readonly cpu_s: number;
  /** The most resident memory that was seen; of a process with children the sum of what each alone would need (PSS) at the end. */
  readonly peak_mb: number;
}

/** USER_HZ of proc(5): 100 on every Linux that Bun runs on. */
const TICKS_PER_S = 100;
const LOOK_MS = 250;
const KIB_PER_MB = 1_000_000 / 1_024;

/** Begins to watch; `end` tells what was used from then on. */
export function watchUsage(processes: readonly Watched[]): { end(): Record<string, Usage> } {
  const before = processes.map(({ pid }) => cpuSeconds(pid));
  const peaks = processes.map(() => 0);
  const look = (): void => {
    processes.forEach(({ pid }, at) => {
      peaks[at] = Math.max(peaks[at] ?? 0, residentMb(pid));
    });
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return {
    end() {
      clearInterval(timer);
      const used = processes.map(({ pid }, at) => cpuSeconds(pid) - (before[at] ?? 0));
      look();
      return Object.fromEntries(
        processes.map(({ name, pid }, at) => {
          const peak_mb = childrenOf(pid).length > 0 ? proportionalMb(pid) : (peaks[at] ?? 0);
          return [name, { cpu_s: Math.max(0, used[at] ?? 0), peak_mb }];
        }),
      );
    },
  };
}

/** Of the process, of its children that live, and of those that it has seen end. */
export function cpuSeconds(pid: number): number {
  const own = statOf(pid);
  // Fields 14 to 17 of proc(5): utime, stime, and both of the children that were waited for.
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(own[at] ?? 0), 0);
  const children = childrenOf(pid).map((child) => Number(statOf(child)[11] ?? 0) + Number(statOf(child)[12] ?? 0));
  return children.reduce((sum, each) => sum + each, ticks) / TICKS_PER_S;
}

/** Resident memory of the process alone. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / KIB_PER_MB;
}

/** What process and children need together, memory that they share counted once. */
function proportionalMb(pid: number): number {
  const kib = [pid, ...childrenOf(pid)].map((each) =>
    Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${each}/smaps_rollup`))?.[1] ?? 0),
  );
  return kib.reduce((sum, each) => sum + each, 0) / KIB_PER_MB;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      read(`/proc/${pid}/task/${task}/children`).trim().split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** The fields of /proc/<pid>/stat from the third on: the second may hold blanks and brackets. */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
