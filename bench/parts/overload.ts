/**
 * Twice the maximum, from a separate process, with a deadline on each request: what is still answered in time, how the rest
 * is refused, what it costs in memory, and how soon the latency is what it was before.
 */
import { quiet, startAlone } from "../ground.ts";
import { NO_LATENCY } from "../load/latency.ts";
import type { Counts, Slot } from "../load/open.ts";
import { transfersBetween } from "../load/requests.ts";
import { type Bench, measure, measureOpen, type OpenPoint } from "../measure.ts";
import type { Server } from "../processes.ts";
import { startSystem } from "../system.ts";
import { residentMb } from "../usage.ts";
import { ALONE, WHOLE } from "./http.ts";

export interface OverloadResult {
  /** The wallet service alone, whose own doing it is, and the whole system, whose history has a backlog to work off behind the burst. */
  readonly runs: readonly OverloadRun[];
}

export interface OverloadRun {
  readonly target: string;
  readonly max_per_second: number;
  readonly before: Counts;
  readonly burst: Counts;
  readonly after: Counts;
  readonly burst_s: number;
  /** 2xx within their deadline, per second of the burst. */
  readonly goodput: number;
  /** From the end of the burst until p99 stays below {@link RECOVERED}; null if it never did. */
  readonly recovery_s: number | null;
  readonly slots: readonly Slot[];
  /** The wallet server's memory before, at its most, and when all is over. */
  readonly memory_mb: { readonly before: number; readonly peak: number; readonly after: number };
  readonly point: OpenPoint;
}

/** What a client would wait for. */
const DEADLINE_MS = 1_000;
/** More than are under way at once at twice the maximum where refusals are quick. */
const CONNECTIONS = 4_000;
const BEFORE = { share: 0.5, seconds: 3 } as const;
const BURST_SHARE = 2;
const AFTER = { share: 0.5, seconds: 5 } as const;
/** p99 counts as recovered below three times what it was before, or below this. */
const RECOVERED = { times: 3, ms: 50 } as const;

export async function measureOverload(bench: Bench): Promise<OverloadResult> {
  const { ground } = bench;
  const server = await startAlone(ground, await ground.database("overload_alone"));
  const alone = await measureOn(bench, { target: ALONE, servers: [server], settled: () => quiet(ground) });
  await server.stop();
  const system = await startSystem(ground, "overload");
  const both = [system.wallet, system.history] as const;
  const whole = await measureOn(bench, { target: WHOLE, servers: both, settled: () => system.drained() });
  await system.stop();
  return { runs: [alone, whole] };
}

interface Target {
  readonly target: string;
  /** The wallet service first. */
  readonly servers: readonly [Server, ...Server[]];
  /** Resolves when nothing of a load is left to be done. */
  readonly settled: () => Promise<void>;
}

async function measureOn(bench: Bench, { target, servers, settled }: Target): Promise<OverloadRun> {
  const { ground, plan, say } = bench;
  const [wallet] = servers;
  const asked = { target, workload: "uniform", servers, requests: transfersBetween(ground.wallets, "uniform") };
  const { load } = await measure(bench, { ...asked, connections: plan.connections.at(-1) ?? 1 });
  await settled();
  const memory_before = residentMb(wallet.pid);
  const rate = (share: number): number => Math.round(load.per_second * share);
  const phases = [
    { rate: rate(BEFORE.share), seconds: BEFORE.seconds },
    { rate: rate(BURST_SHARE), seconds: plan.overload_s },
    { rate: rate(AFTER.share), seconds: AFTER.seconds },
  ];
  const point = await measureOpen(bench, { ...asked, phases, connections: CONNECTIONS, deadline_ms: DEADLINE_MS });
  const [before = NOTHING, burst = NOTHING, after = NOTHING] = point.result.phases;
  const { slots } = point.result;
  const peak = point.usage[wallet.name]?.peak_mb ?? 0;
  const run = {
    target,
    max_per_second: load.per_second,
    before,
    burst,
    after,
    burst_s: plan.overload_s,
    goodput: burst.good / plan.overload_s,
    recovery_s: recoveryOf(slots, before.latency_ms.p99, BEFORE.seconds + plan.overload_s),
    slots,
    memory_mb: { before: memory_before, peak, after: residentMb(wallet.pid) },
    point,
  };
  say(tell(run));
  return run;
}

function tell({ target, goodput, max_per_second, burst, recovery_s }: OverloadRun): string {
  return (
    `${target}, twice the maximum: ${Math.round(goodput)} of ${Math.round(max_per_second)}/s in time, ${burst.refused} refused, ` +
    `${burst.late} late, ${burst.failed} failed, ${burst.unsent} not sent; recovered after ${recovery_s ?? "never"} s`
  );
}

/** Seconds from the end of the burst to the first slot from which on every p99 is as before; null for never. */
export function recoveryOf(slots: readonly Slot[], p99_before_ms: number, burst_end_s: number): number | null {
  const bound_ms = Math.max(RECOVERED.ms, RECOVERED.times * p99_before_ms);
  const after = slots.filter(({ at_s }) => at_s >= burst_end_s);
  const last_bad = after.findLastIndex(({ p99_ms, good }) => p99_ms > bound_ms || good === 0);
  if (last_bad < 0) return 0;
  const recovered = after[last_bad + 1];
  return recovered === undefined ? null : recovered.at_s - burst_end_s;
}

const NOTHING: Counts = {
  planned: 0,
  good: 0,
  late: 0,
  refused: 0,
  without_retry_after: 0,
  failed: 0,
  unsent: 0,
  latency_ms: NO_LATENCY,
  refusal_ms: NO_LATENCY,
};
