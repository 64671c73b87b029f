/** The goals of the project, and what a run says of them. */
import { median } from "../load/latency.ts";
import type { Counts } from "../load/open.ts";
import type { Point } from "../measure.ts";
import { change, nameOf } from "../parts/growth.ts";
import { ALONE } from "../parts/http.ts";
import type { Results } from "../results.ts";
import { figure } from "./svg.ts";

export interface Goal {
  readonly name: string;
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** The goals that the run has measured; a part that was left out has none. */
export function goalsOf({ parts }: Pick<Results, "parts">): Goal[] {
  return [
    ...throughput(parts),
    ...latency(parts),
    ...endToEnd(parts),
    ...memory(parts),
    ...overload(parts),
    ...fairness(parts),
    ...growth(parts),
  ];
}

type Parts = Results["parts"];

function atLeast(name: string, bound: number, unit: string, value: number): Goal {
  return { name, goal: `≥ ${figure(bound)}${unit}`, measured: `${figure(value)}${unit}`, met: value >= bound };
}

function atMost(name: string, bound: number, unit: string, value: number): Goal {
  return { name, goal: `≤ ${figure(bound)}${unit}`, measured: `${figure(value)}${unit}`, met: value <= bound };
}

const MOST_CONNECTIONS = 256;

function throughput({ http, baselines }: Parts): Goal[] {
  const points = [...(http?.points ?? []), ...(baselines?.points ?? [])];
  const goals: Goal[] = [];
  for (const [workload, least, times] of [
    ["uniform", 12_000, 5],
    ["hot", 12_000, 15],
  ] as const) {
    const rates = ratesOf(points, workload);
    const name = workload === "hot" ? "into one hot wallet" : "uniform over 1,000 wallets";
    if (rates.length > 0) {
      goals.push(atLeast(`Transfers over HTTP, 256 connections, ${name}`, least, "/s", median(rates)));
    }
    const comparison = baselines?.comparisons.find(
      (each) => each.workload === workload && each.way === "Drizzle transaction",
    );
    if (comparison !== undefined)
      goals.push(atLeast(`… beside the Drizzle transaction at its best`, times, "×", comparison.ratio));
  }
  return goals;
}

function ratesOf(points: readonly Point[], workload: string): number[] {
  return points
    .filter((each) => each.target === ALONE && each.workload === workload && each.connections === MOST_CONNECTIONS)
    .map((each) => each.load.per_second);
}

function latency({ open, baselines }: Parts): Goal[] {
  const half = open?.rows.filter(({ share }) => share === 0.5) ?? [];
  const ofHalf = half.map(({ target, point }) =>
    atMost(`p99 at half of the maximum, open loop, ${target}`, 15, " ms", point.result.phases[0]?.latency_ms.p99 ?? 0),
  );
  if (baselines === undefined) return ofHalf;
  const { http, one_call } = baselines.limits.single_ms;
  const ratio = http.p50 / one_call.p50;
  return [...ofHalf, atMost("One client, idle server: p50 over HTTP beside one direct SQL call", 1.3, "×", ratio)];
}

function endToEnd(parts: Parts): Goal[] {
  const { drain } = parts;
  const goals: Goal[] = [];
  const found = parts["end-to-end"];
  if (found !== undefined) {
    const name = "End to end with audit and ledger keeping up (lag p99 below 1 s)";
    goals.push(atLeast(name, 4_000, " transfers/s", found.highest_per_second));
  }
  if (drain !== undefined) {
    goals.push(atLeast("The history drains a backlog", 20_000, " events/s", drain.history.per_second));
  }
  return goals;
}

/** The most that a wallet server had in any measurement, overload included. */
function memory({ http, baselines, overload }: Parts): Goal[] {
  const points = [
    ...(http?.points ?? []),
    ...(baselines?.points ?? []),
    ...(overload?.runs ?? []).map(({ point }) => point),
  ];
  const peaks = points.flatMap(({ usage }) => usage.wallet?.peak_mb ?? []);
  return peaks.length === 0
    ? []
    : [atMost("Memory of the wallet server under full load", 250, " MB", Math.max(...peaks))];
}

function overload({ overload }: Parts): Goal[] {
  return (overload?.runs ?? []).flatMap(({ target, burst, goodput, max_per_second, recovery_s }) => [
    atLeast(`Twice the maximum, ${target}: answered in time, share of the maximum`, 0.9, "", goodput / max_per_second),
    atLeast("… of the rest, a 503 with Retry-After", 0.99, "", refusedOfRest(burst)),
    atMost("… how long the 503 took, p99", QUICK_MS, " ms", burst.refusal_ms.p99),
    {
      name: "… latency as before, after the burst",
      goal: "≤ 2 s",
      measured: recovery_s === null ? "never" : `${figure(recovery_s)} s`,
      met: recovery_s !== null && recovery_s <= 2,
    },
  ]);
}

/** A refusal that takes no longer leaves a client most of its second to go elsewhere. */
const QUICK_MS = 250;

function refusedOfRest({ planned, good, refused, without_retry_after }: Counts): number {
  return planned > good ? (refused - without_retry_after) / (planned - good) : 1;
}

function fairness({ fairness }: Parts): Goal[] {
  if (fairness === undefined) return [];
  const failed = fairness.sagas.reduce((sum, each) => sum + each.failed, 0);
  return [
    atMost("A hot wallet slows transfers between others (p99)", 2, "×", fairness.hot_slowdown),
    atMost("Slow and huge requests slow transfers (p99)", 2, "×", fairness.hostile_slowdown),
    atMost("Sagas that did not end beside a full load", 0, "", failed),
  ];
}

function growth({ growth }: Parts): Goal[] {
  return (growth?.rows ?? []).flatMap((row) => {
    const { throughput, p99 } = change(row);
    const name = nameOf(row.size);
    return [atLeast(`Throughput with ${name}`, 0.8, "×", throughput), atMost(`p99 with ${name}`, 1.2, "×", p99)];
  });
}
