/** The whole system: wallet, relay, broker and history, and how far the history is. */
import postgres from "postgres";
import { type Ground, startHistory, startWallet } from "./ground.ts";
import { type Latency, NO_LATENCY } from "./load/latency.ts";
import type { Server } from "./processes.ts";

export interface RunningSystem {
  readonly wallet: Server;
  readonly history: Server;
  readonly database: string;
  /** As the owner of the database that both services use. */
  readonly sql: postgres.Sql;
  /** Resolves when every event is in the history and posted in the ledger. */
  drained(): Promise<void>;
  stop(): Promise<void>;
}

/** A backlog of a load that went far beyond what the history can do. */
const DRAIN_TIMEOUT_MS = 15 * 60_000;
const LOOK_MS = 100;

/** Starts both services on a database and topics of their own, and waits until the wallets' own events are in the history. */
export async function startSystem(ground: Ground, label: string): Promise<RunningSystem> {
  const [database, topics] = await Promise.all([ground.database(label), ground.topics(label)]);
  const env = { DATABASE_URL: database, ...topics };
  const [wallet, history] = await Promise.all([startWallet(ground, env), startHistory(ground, env)]);
  const sql = postgres(database, { max: 2, onnotice: () => undefined });
  const system = {
    wallet,
    history,
    database,
    sql,
    drained: () => untilDrained(sql),
    stop: async () => {
      await Promise.all([wallet.stop(), history.stop()]);
      await sql.end({ timeout: 5 });
    },
  };
  await system.drained();
  return system;
}

/** Events that have happened, and events that the ledger has taken in. */
export async function progress(sql: postgres.Sql): Promise<{ happened: number; applied: number }> {
  const [row] = await sql<{ happened: number; applied: number }[]>`
    select (select coalesce(sum(version), 0)::float8 from wallet.wallets) as happened,
           (select coalesce(sum(applied_version), 0)::float8 from history.ledger_accounts) as applied`;
  return row ?? { happened: 0, applied: 0 };
}

async function untilDrained(sql: postgres.Sql): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  for (;;) {
    const { happened, applied } = await progress(sql);
    if (applied >= happened) return;
    if (performance.now() > deadline) throw new Error(`the history did not catch up: ${applied} of ${happened} events`);
    await Bun.sleep(LOOK_MS);
  }
}

/** A place in the history: what came after it is what a measurement has brought. */
export type Place = ReadonlyMap<number, number>;

export async function placeInHistory(sql: postgres.Sql): Promise<Place> {
  const rows = await sql<{ partition: number; last_position: string }[]>`
    select partition, last_position from history.stream_positions`;
  return new Map(rows.map(({ partition, last_position }) => [partition, Number(last_position)]));
}

export interface Lag extends Latency {
  readonly events: number;
  /** Milliseconds by which it grew in each second (linear regression): 50 is what a history has that does 95 % of the rate. */
  readonly growth_ms: number;
}

/**
 * Milliseconds from an event's happening, under the wallet's lock, to its row in the history, of every event after the
 * place; both by the one database's clock. The commit of the row comes some milliseconds later.
 */
export async function lagSince(sql: postgres.Sql, place: Place): Promise<Lag> {
  const partitions = [...(await placeInHistory(sql)).keys()];
  const from = partitions.map((partition) => place.get(partition) ?? 0);
  const [row] = await sql<{ events: number; shares: number[] | null; growth_ms: number | null }[]>`
    select count(*)::int as events,
           percentile_disc(array[0.5, 0.9, 0.99, 0.999, 1]) within group (order by lag_ms) as shares,
           regr_slope(lag_ms, extract(epoch from occurred_at)) as growth_ms
      from (select (extract(epoch from e.created_at - e.occurred_at) * 1000)::float8 as lag_ms, e.occurred_at
              from unnest(${partitions}::int[], ${from}::bigint[]) as since (partition, position)
              join history.transaction_events e on e.partition = since.partition and e.position > since.position) event`;
  const [p50, p90, p99, p999, max] = row?.shares ?? [];
  if (row === undefined || p50 === undefined) return { events: 0, growth_ms: 0, ...NO_LATENCY };
  return {
    events: row.events,
    growth_ms: row.growth_ms ?? 0,
    p50,
    p90: p90 ?? 0,
    p99: p99 ?? 0,
    p999: p999 ?? 0,
    max: max ?? 0,
  };
}
