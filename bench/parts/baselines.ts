/**
 * This system beside other ways of writing the same rows, and beside what the machine can do at all. Interleaved: the system
 * is measured before each baseline, so that a change of the machine's mood meets both.
 */
import { type Limits, measureLimits } from "../baselines/limits.ts";
import { WAYS, type Way } from "../baselines/server.ts";
import { type Ground, startAlone } from "../ground.ts";
import { median } from "../load/latency.ts";
import { transfersBetween, type Workload } from "../load/requests.ts";
import { type Bench, measure, type Point } from "../measure.ts";
import type { Server } from "../processes.ts";
import { ALONE } from "./http.ts";

export interface BaselinesResult {
  readonly points: readonly Point[];
  readonly comparisons: readonly Comparison[];
  readonly limits: Limits;
}

export interface Comparison {
  readonly workload: Workload;
  readonly way: Way;
  /** Medians of all rounds, per second, by connections to the database. */
  readonly by_pool: Readonly<Record<string, number>>;
  /** The best of them. */
  readonly per_second: number;
  readonly system_per_second: number;
  readonly ratio: number;
}

const WORKLOADS = ["uniform", "hot"] as const;
const SLOW: Way = "optimistic version";

export async function measureBaselines(bench: Bench): Promise<BaselinesResult> {
  const { ground, plan } = bench;
  const points: Point[] = [];
  const ways = Object.keys(WAYS)
    .filter((name): name is Way => name in WAYS)
    .filter((way) => plan.slow_baselines || way !== SLOW);
  const aloneDatabase = await ground.database("alone");
  const databases = new Map<Way, string>();
  for (const [number, way] of ways.entries()) databases.set(way, await ground.database(`baseline_${number}`));
  const measureBoth = async (target: string, server: Server): Promise<void> => {
    for (const workload of WORKLOADS) {
      const requests = transfersBetween(ground.wallets, workload);
      const connections = plan.connections.at(-1) ?? 1;
      points.push(await measure(bench, { target, workload, connections, servers: [server], requests }));
    }
    await server.stop();
  };
  for (let round = 1; round <= plan.rounds; round++) {
    for (const way of ways) {
      await measureBoth(ALONE, await startAlone(ground, aloneDatabase));
      for (const pool of plan.pools) {
        await measureBoth(targetOf(way, pool), await startBaseline(ground, way, pool, databases.get(way) ?? ""));
      }
    }
  }
  const comparisons = WORKLOADS.flatMap((workload) => ways.map((way) => compare(points, workload, way, plan.pools)));
  return { points, comparisons, limits: await measureLimits(bench) };
}

function startBaseline(ground: Ground, way: Way, pool: number, database: string): Promise<Server> {
  return ground.processes.start({
    name: way,
    command: ["bench/baselines/server.ts", way, String(pool)],
    env: { DATABASE_URL: database },
    isReady: async (url) => (await fetch(`${url}/health`)).ok,
  });
}

function targetOf(way: Way, pool: number): string {
  return `${way}, pool of ${pool}`;
}

function compare(points: readonly Point[], workload: Workload, way: Way, pools: readonly number[]): Comparison {
  const rates = (target: string): number =>
    median(
      points
        .filter((point) => point.target === target && point.workload === workload)
        .map((point) => point.load.per_second),
    );
  const by_pool = Object.fromEntries(pools.map((pool) => [pool, rates(targetOf(way, pool))]));
  const per_second = Math.max(...Object.values(by_pool));
  const system_per_second = rates(ALONE);
  return {
    workload,
    way,
    by_pool,
    per_second,
    system_per_second,
    ratio: per_second > 0 ? system_per_second / per_second : 0,
  };
}
