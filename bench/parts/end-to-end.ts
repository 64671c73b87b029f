/**
 * The highest steady rate of transfers at which audit trail and ledger keep up: every answer and, at p99, every event within
 * a second, and a lag that does not grow.
 */
import { transfersBetween } from "../load/requests.ts";
import { type Bench, measure, measureOpen, type OpenPoint } from "../measure.ts";
import { type Lag, lagSince, placeInHistory, type RunningSystem, startSystem } from "../system.ts";
import { WHOLE } from "./http.ts";

export interface EndToEndResult {
  readonly tries: readonly Try[];
  /** Of those at which it kept up; 0 if there was none. */
  readonly highest_per_second: number;
}

interface Try {
  readonly rate: number;
  readonly keeps_up: boolean;
  readonly lag: Lag;
  readonly point: OpenPoint;
}

const LAG_GOAL_MS = 1_000;
const ANSWER_DEADLINE_MS = 1_000;
/** In each second of the load: beyond it the history does less than 95 % of the rate, and a longer load would lose it. */
const STEADY_GROWTH_MS = 50;
/** Of what a closed loop does at most: the history needs the processors too. */
const FIRST_SHARE = 0.8;
/** While no rate is known that is too high, the next is higher by this; while none is low enough, lower by it. */
const STEP = 1.4;

export async function measureEndToEnd(bench: Bench): Promise<EndToEndResult> {
  const { ground, plan } = bench;
  const whole = await startSystem(ground, "whole");
  const servers = [whole.wallet, whole.history];
  const requests = transfersBetween(ground.wallets, "uniform");
  const asked = { target: WHOLE, workload: "uniform", servers, requests, connections: plan.connections.at(-1) ?? 1 };
  const { load } = await measure(bench, asked);
  const tries: Try[] = [];
  let rate = Math.round(load.per_second * FIRST_SHARE);
  for (let attempt = 1; attempt <= plan.end_to_end.tries && rate > 0; attempt++) {
    tries.push(await tryRate(bench, whole, rate));
    rate = nextRate(tries);
  }
  await whole.stop();
  return { tries, highest_per_second: highest(tries) };
}

async function tryRate(bench: Bench, whole: RunningSystem, rate: number): Promise<Try> {
  const { ground, plan, say } = bench;
  await whole.drained();
  const place = await placeInHistory(whole.sql);
  const requests = transfersBetween(ground.wallets, "uniform");
  const asked = { target: WHOLE, workload: "uniform", servers: [whole.wallet, whole.history], requests };
  const point = await measureOpen(bench, {
    ...asked,
    phases: [{ rate, seconds: plan.end_to_end.seconds }],
    deadline_ms: ANSWER_DEADLINE_MS,
  });
  await whole.drained();
  const lag = await lagSince(whole.sql, place);
  const [counts] = point.result.phases;
  const answered = counts !== undefined && counts.good === counts.planned;
  const keeps_up = answered && lag.p99 < LAG_GOAL_MS && lag.growth_ms < STEADY_GROWTH_MS;
  const growth = `growing by ${lag.growth_ms.toFixed(0)} ms in a second`;
  say(`${rate}/s: ${keeps_up ? "keeps up" : "falls behind"}, lag p99 ${lag.p99.toFixed(0)} ms, ${growth}`);
  return { rate, keeps_up, lag, point };
}

function highest(tries: readonly Try[]): number {
  return Math.max(0, ...tries.filter((each) => each.keeps_up).map((each) => each.rate));
}

/** Between the highest that was kept up with and the lowest that was not. */
export function nextRate(tries: readonly Pick<Try, "rate" | "keeps_up">[]): number {
  const low = Math.max(0, ...tries.filter((each) => each.keeps_up).map((each) => each.rate));
  const high = Math.min(...tries.filter((each) => !each.keeps_up).map((each) => each.rate));
  if (high === Number.POSITIVE_INFINITY) return Math.round(low * STEP);
  return Math.round(low === 0 ? high / STEP : (low + high) / 2);
}
