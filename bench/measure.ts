/** One measurement: load, CPU and memory of every process, one line of progress. */
import { join } from "node:path";
import { type Ground, quiet } from "./ground.ts";
import { type Load, runClosedLoop } from "./load/closed.ts";
import type { OpenOptions, OpenResult, Phase } from "./load/open.ts";
import { type PlannedRequest, writeRequests } from "./load/requests.ts";
import type { Plan } from "./plan.ts";
import type { Server } from "./processes.ts";
import { type Usage, watchUsage } from "./usage.ts";

/** What all parts of a run share. */
export interface Bench {
  readonly ground: Ground;
  readonly plan: Plan;
  readonly say: (line: string) => void;
}

/** What processes used while a load ran. */
export interface Used {
  readonly usage: Readonly<Record<string, Usage>>;
  /** CPU microseconds per request, by process. */
  readonly cpu_us: Readonly<Record<string, number>>;
}

export interface Asked {
  /** What is measured, such as "wallet alone" or "Drizzle transaction, pool of 8". */
  readonly target: string;
  readonly workload: string;
  /** The first one takes the load. */
  readonly servers: readonly Server[];
  readonly requests: readonly PlannedRequest[];
}

export interface Point extends Used {
  readonly target: string;
  readonly workload: string;
  readonly connections: number;
  readonly load: Load;
}

export interface OpenPoint extends Used {
  readonly target: string;
  readonly workload: string;
  readonly result: OpenResult;
}

export const GENERATOR = "load generator";
const MICROSECONDS = 1e6;
/** Enough for what waits at a second's delay of a few hundred requests; beyond, the generator itself keeps them waiting. */
const OPEN_CONNECTIONS = 512;
const OPEN_DEADLINE_MS = 5_000;

/** Warms up, and measures in a closed loop. */
export async function measure(bench: Bench, asked: Asked & { readonly connections: number }): Promise<Point> {
  const { ground, plan, say } = bench;
  const { target, workload, connections } = asked;
  const { url, requests, watched } = prepare(ground, asked);
  const options = { url, requests, connections };
  if (plan.warm_s > 0) await runClosedLoop(ground.processes, { ...options, seconds: plan.warm_s });
  await quiet(ground);
  const watching = watchUsage(watched);
  const load = await runClosedLoop(ground.processes, { ...options, seconds: plan.seconds });
  const used = usedFor(watching.end(), load.cpu_s, load.requests);
  await quiet(ground);
  const point = { target, workload, connections, load, ...used };
  say(tell(point));
  return point;
}

/** Runs an open loop from a process of its own. */
export async function measureOpen(
  { ground }: Bench,
  asked: Asked & { readonly phases: readonly Phase[]; readonly connections?: number; readonly deadline_ms?: number },
): Promise<OpenPoint> {
  const { target, workload, phases, connections = OPEN_CONNECTIONS, deadline_ms = OPEN_DEADLINE_MS } = asked;
  const { url, requests, watched } = prepare(ground, asked);
  const options: OpenOptions = { url, requests, phases, connections, deadline_ms, key: `${crypto.randomUUID()}-` };
  const watching = watchUsage(watched);
  const command = [process.execPath, join(import.meta.dir, "load/open.ts"), JSON.stringify(options)];
  const { output, errors, code, cpu_s } = await ground.processes.run(command);
  if (code !== 0) throw new Error(`the open loop failed (${code}): ${errors}`);
  const result: OpenResult = JSON.parse(output);
  const answered = result.phases.reduce((sum, { good, late, refused }) => sum + good + late + refused, 0);
  return { target, workload, result, ...usedFor(watching.end(), cpu_s, answered) };
}

function prepare(ground: Ground, { servers, requests }: Asked) {
  const [server] = servers;
  if (server === undefined) throw new Error("a load needs a server");
  // Two loads may run side by side.
  const file = join(ground.folder, "requests", `${crypto.randomUUID()}.txt`);
  return { url: server.url, requests: writeRequests(file, requests), watched: [...servers, ...ground.watched] };
}

function usedFor(watched: Readonly<Record<string, Usage>>, generator_s: number, requests: number): Used {
  const usage = { ...watched, [GENERATOR]: { cpu_s: generator_s, peak_mb: 0 } };
  const cpu_us = Object.fromEntries(
    Object.entries(usage).map(([name, { cpu_s }]) => [name, requests === 0 ? 0 : (cpu_s * MICROSECONDS) / requests]),
  );
  return { usage, cpu_us };
}

function tell({ target, workload, connections, load }: Point): string {
  const { p50, p99 } = load.latency_ms;
  const errors = load.errors > 0 ? `, ${load.errors} ERRORS` : "";
  const rate = Math.round(load.per_second).toLocaleString("en");
  return `${target}, ${workload}, ${connections} connections: ${rate}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${errors}`;
}
