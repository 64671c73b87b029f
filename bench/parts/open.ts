/** Latency at a share of the maximum: an open loop from a process of its own, and how far the events are behind. */
import { startAlone } from "../ground.ts";
import { transfersBetween } from "../load/requests.ts";
import { type Bench, measure, measureOpen, type OpenPoint } from "../measure.ts";
import type { Server } from "../processes.ts";
import { type Lag, lagSince, placeInHistory, type RunningSystem, startSystem } from "../system.ts";
import { ALONE, WHOLE } from "./http.ts";

export interface OpenPartResult {
  readonly rows: readonly Row[];
}

interface Row {
  readonly target: string;
  readonly max_per_second: number;
  /** Of the maximum. */
  readonly share: number;
  readonly rate: number;
  readonly point: OpenPoint;
  /** Null for the wallet alone, which publishes nothing. */
  readonly lag: Lag | null;
}

export async function measureOpenLoop(bench: Bench): Promise<OpenPartResult> {
  const { ground } = bench;
  const alone = await startAlone(ground, await ground.database("alone"));
  const ofAlone = await measureShares(bench, ALONE, [alone], null);
  await alone.stop();
  const whole = await startSystem(ground, "whole");
  const ofWhole = await measureShares(bench, WHOLE, [whole.wallet, whole.history], whole);
  await whole.stop();
  return { rows: [...ofAlone, ...ofWhole] };
}

async function measureShares(
  bench: Bench,
  target: string,
  servers: readonly Server[],
  whole: RunningSystem | null,
): Promise<Row[]> {
  const { ground, plan, say } = bench;
  const asked = { target, workload: "uniform", servers, requests: transfersBetween(ground.wallets, "uniform") };
  const { load } = await measure(bench, { ...asked, connections: plan.connections.at(-1) ?? 1 });
  const rows: Row[] = [];
  for (const share of plan.open_shares) {
    await whole?.drained();
    const place = whole === null ? null : await placeInHistory(whole.sql);
    const rate = Math.max(1, Math.round(load.per_second * share));
    const point = await measureOpen(bench, { ...asked, phases: [{ rate, seconds: plan.open_s }] });
    await whole?.drained();
    const lag = whole === null || place === null ? null : await lagSince(whole.sql, place);
    rows.push({ target, max_per_second: load.per_second, share, rate, point, lag });
    const [counts] = point.result.phases;
    const behind = lag === null ? "" : `, events p99 ${lag.p99.toFixed(0)} ms behind`;
    say(`${target}, open loop, ${share * 100} % = ${rate}/s: p99 ${counts?.latency_ms.p99.toFixed(1)} ms${behind}`);
  }
  return rows;
}
