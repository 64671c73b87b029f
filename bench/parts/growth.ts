/** Whether the system is as fast with many wallets and a long past as when it was new. */
import { analyze } from "../databases.ts";
import { type Ground, startAlone } from "../ground.ts";
import { transfersBetween } from "../load/requests.ts";
import { type Bench, measure, type Point } from "../measure.ts";
import type { Size } from "../plan.ts";
import { openWallets } from "../wallets.ts";

export interface GrowthResult {
  readonly rows: readonly Row[];
}

interface Row {
  readonly size: Size;
  readonly point: Point;
  /** The first size again, right before: what this one is compared with. */
  readonly base: Point;
}

/** More requests than elsewhere, so that a load reaches many of a million wallets. */
const REQUESTS = 200_000;

export async function measureGrowth(bench: Bench): Promise<GrowthResult> {
  const { ground, plan, say } = bench;
  const [first, ...others] = plan.growth;
  if (first === undefined) return { rows: [] };
  const base = await grow(bench, first);
  const rows: Row[] = [];
  for (const size of others) {
    const grown = await grow(bench, size);
    const before = await measureSize(bench, base);
    rows.push({ size, point: await measureSize(bench, grown), base: before });
    say(`${nameOf(size)}: ${JSON.stringify(change(rows.at(-1)))}`);
    await ground.dropDatabase(grown.database);
  }
  return { rows };
}

/** Throughput and p99 as a share of those of the first size. */
export function change(row: Row | undefined): { readonly throughput: number; readonly p99: number } {
  if (row === undefined) return { throughput: 0, p99: 0 };
  const round = (value: number): number => Math.round(value * 100) / 100;
  const { load } = row.point;
  return {
    throughput: round(load.per_second / row.base.load.per_second),
    p99: round(load.latency_ms.p99 / row.base.load.latency_ms.p99),
  };
}

export function nameOf({ wallets, transfers }: Size): string {
  return `${wallets.toLocaleString("en")} wallets, ${transfers.toLocaleString("en")} past transfers`;
}

interface Grown {
  readonly size: Size;
  readonly database: string;
  readonly wallets: readonly string[];
}

async function grow({ ground, say }: Bench, size: Size): Promise<Grown> {
  const database = await ground.database(`growth_${size.wallets}_${size.transfers}`, "empty");
  // First the past: fill wants nothing in the outbox that a relay would still publish.
  if (size.transfers > 0) {
    say(`filling with ${size.transfers.toLocaleString("en")} past transfers`);
    await fill(ground, database, size.transfers);
  }
  const wallets = await openWallets(database, size.wallets, () => undefined);
  await analyze(database);
  return { size, database, wallets };
}

async function fill({ processes }: Ground, database: string, transfers: number): Promise<void> {
  const command = [process.execPath, "--no-env-file", "bench/fill.ts", "--transfers", String(transfers)];
  const { errors, code } = await processes.run(command, { DATABASE_URL: database });
  if (code === 0) return;
  const reason = errors.split("\n").find((line) => line.startsWith("error:")) ?? errors;
  throw new Error(`the database could not be filled: ${reason}`);
}

async function measureSize(bench: Bench, { size, database, wallets }: Grown): Promise<Point> {
  const server = await startAlone(bench.ground, database);
  const requests = transfersBetween(wallets, "uniform", REQUESTS);
  const connections = bench.plan.connections.at(-1) ?? 1;
  const point = await measure(bench, {
    target: nameOf(size),
    workload: "uniform",
    connections,
    servers: [server],
    requests,
  });
  await server.stop();
  return point;
}
