/** Whether the system is as fast with many wallets and a long past as when it was new. */
import postgres from "postgres";
import { settle } from "../databases.ts";
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
  /** The middle one of all rounds. */
  readonly point: Point;
  /** Likewise of the first size, which is measured again before each: what this one is compared with. */
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
  const compare = async (grown: Grown): Promise<void> => {
    const bases: Point[] = [];
    const points: Point[] = [];
    for (let round = 0; round < plan.rounds; round++) {
      bases.push(await measureSize(bench, base));
      points.push(await measureSize(bench, grown));
    }
    const row = { size: grown.size, point: middle(points), base: middle(bases) };
    rows.push(row);
    say(`${nameOf(grown.size)}: ${JSON.stringify(change(row))}`);
  };
  for (const size of others) {
    if (size.transfers > 0 && plan.past.length > 0) continue;
    const grown = await grow(bench, size);
    await compare(grown);
    await ground.dropDatabase(grown.database);
  }
  for (const name of plan.past) await compare(await find(ground, name, first.wallets));
  return { rows };
}

/** Throughput and p99 as a share of those of the first size. */
export function change(row: Row): { readonly throughput: number; readonly p99: number } {
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
  const wallets =
    size.transfers > 0
      ? await openWithPast(ground, database, size, say)
      : await openWallets(database, size.wallets, () => undefined);
  await settle(database);
  return { size, database, wallets };
}

async function openWithPast(ground: Ground, database: string, size: Size, say: Bench["say"]): Promise<string[]> {
  say(`filling with ${size.transfers.toLocaleString("en")} past transfers`);
  const amount = ["--transfers", String(size.transfers), "--wallets", String(size.wallets)];
  const command = [process.execPath, "--no-env-file", "bench/fill.ts", ...amount];
  const { errors, code } = await ground.processes.run(command, { DATABASE_URL: database });
  if (code === 0) return walletsOf(database, size.wallets);
  const reason = errors.split("\n").find((line) => line.startsWith("error:")) ?? errors;
  throw new Error(`the database could not be filled: ${reason}`);
}

/** A database that was filled before: its transfers are among its first wallets. */
async function find(ground: Ground, name: string, most: number): Promise<Grown> {
  const database = ground.addressOf(name);
  const sql = postgres(database, { max: 1 });
  const [counts] = await sql<{ wallets: number; transfers: number }[]>`
    select (select count(*) from wallet.wallets)::int as wallets,
           (select count(*) from wallet.wallet_transactions where type = 'TRANSFER_OUT')::int as transfers`;
  await sql.end();
  return { size: counts ?? { wallets: 0, transfers: 0 }, database, wallets: await walletsOf(database, most) };
}

async function walletsOf(database: string, most: number): Promise<string[]> {
  const sql = postgres(database, { max: 1 });
  const rows = await sql<{ id: string }[]>`select id from wallet.wallets order by id limit ${most}`;
  await sql.end();
  return rows.map(({ id }) => id);
}

function middle(points: readonly Point[]): Point {
  const sorted = points.toSorted((a, b) => a.load.per_second - b.load.per_second);
  const point = sorted[Math.floor(sorted.length / 2)];
  if (point === undefined) throw new Error("nothing was measured");
  return point;
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
