/**
 * A closed loop: so many connections, each with its next request as soon as the last is answered. It finds the most that a
 * system does; its latencies are those of full load. By wrk where that is installed, which costs a seventh of a core at
 * 12,000 requests/s, else by a small client of ours.
 */
import { join } from "node:path";
import type { Processes } from "../processes.ts";
import type { Latency } from "./latency.ts";

export interface ClosedOptions {
  readonly url: string;
  /** File of `writeRequests()`. */
  readonly requests: string;
  readonly connections: number;
  /** Whole seconds. */
  readonly seconds: number;
}

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** Answers below 400 per second. */
  readonly per_second: number;
  /** Answers of 400 and above, lost connections, and requests without an answer. */
  readonly errors: number;
  readonly latency_ms: Latency;
  /** CPU seconds of the generator. */
  readonly cpu_s: number;
}

/** What wrk's script, or our own client, writes at its end. */
export interface RawResult extends Latency {
  readonly requests: number;
  readonly duration_us: number;
  readonly status: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly timeout: number;
}

/** A request that takes longer counts as an error: all bounds of the servers are shorter. */
const TIMEOUT_S = 10;
const MICROSECONDS = 1e6;
const MARK = "RESULT ";

/** The generator in use, with its version. */
export function generatorName(): string {
  const wrk = Bun.which("wrk");
  if (wrk === null) return "bench/load/closed-client.ts (wrk is not installed)";
  return Bun.spawnSync([wrk, "--version"]).stdout.toString().split(" Copyright")[0]?.trim() ?? "wrk";
}

/** Runs the load in a process of its own. @throws Error with its output where it fails */
export async function runClosedLoop(processes: Processes, options: ClosedOptions): Promise<Load> {
  const { output, errors, code, cpu_s } = await processes.run(commandFor(options));
  const line = output.split("\n").find((each) => each.startsWith(MARK));
  if (code !== 0 || line === undefined) throw new Error(`the load generator failed (${code}): ${output}${errors}`);
  const raw: RawResult = JSON.parse(line.slice(MARK.length));
  const { p50, p90, p99, p999, max } = raw;
  const seconds = raw.duration_us / MICROSECONDS;
  return {
    requests: raw.requests,
    seconds,
    per_second: (raw.requests - raw.status) / seconds,
    errors: raw.status + raw.connect + raw.read + raw.write + raw.timeout,
    latency_ms: { p50, p90, p99, p999, max },
    cpu_s,
  };
}

function commandFor({ url, requests, connections, seconds }: ClosedOptions): string[] {
  const key = `${crypto.randomUUID()}-`;
  const wrk = Bun.which("wrk");
  if (wrk === null) {
    const options = JSON.stringify({ url, requests, connections, seconds, key });
    return [process.execPath, join(import.meta.dir, "closed-client.ts"), options];
  }
  const script = join(import.meta.dir, "requests.lua");
  // One thread: a second would only take turns with the servers.
  const load = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", `${TIMEOUT_S}s`];
  return [wrk, ...load, "-s", script, url, "--", requests, key];
}
