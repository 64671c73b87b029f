/** Reads, and what the system needs to stand: memory, time to start, WAL and rows per transfer, sizes of tables. */
import type postgres from "postgres";
import { connectFunctions } from "../../shared/database.ts";
import { BATCH_OPERATIONS } from "../../wallet/committer.ts";
import { callWith } from "../../wallet/execute.ts";
import { readsOf } from "../load/requests.ts";
import { type Bench, measure, type Point } from "../measure.ts";
import { type RunningSystem, startSystem } from "../system.ts";
import { residentMb } from "../usage.ts";
import { applyTransfers, pairsIntoFirst } from "../wallets.ts";

export interface ReadsResult {
  readonly points: readonly Point[];
  /** The page that the deep reads ask for. */
  readonly depth: number;
  readonly per_transfer: PerTransfer;
  readonly tables: readonly TableSize[];
  /** Milliseconds from the start of a process until it is at work, and its memory then. */
  readonly start: Readonly<Record<string, { readonly ms: number; readonly mb: number }>>;
}

/** All of it: money, outbox, relay, history, ledger. */
export interface PerTransfer {
  readonly transfers: number;
  readonly wal_bytes: number;
  readonly rows_inserted: number;
  readonly rows_updated: number;
}

export interface TableSize {
  readonly name: string;
  readonly rows: number;
  readonly table_bytes: number;
  readonly index_bytes: number;
}

const PAGE = 10;
const DEEP_PAGES = 1_000;
const CONNECTIONS = 64;
/** A session tells its counts to the statistics a second late at most. */
const STATISTICS_MS = 1_500;

export async function measureReads(bench: Bench): Promise<ReadsResult> {
  const { ground, say } = bench;
  const whole = await startSystem(ground, "reads");
  const { wallet, history, sql } = whole;
  const start = {
    wallet: { ms: wallet.started_ms, mb: residentMb(wallet.pid) },
    history: { ms: history.started_ms, mb: residentMb(history.pid) },
  };
  const per_transfer = await measureTransfers(whole, ground.wallets);
  say(`${Math.round(per_transfer.wal_bytes)} bytes of WAL per transfer`);
  const hot = ground.wallets[0] ?? "";
  const { path, depth } = await deepPage(history.url, hot);
  const reads = [
    { workload: "wallet by id", server: wallet, paths: ground.wallets.map((id) => `/wallets/${id}`) },
    { workload: "lines of a wallet", server: wallet, paths: [`/wallets/${hot}/transactions?limit=${PAGE}`] },
    { workload: "history, page 1", server: history, paths: [`/wallets/${hot}/history?limit=${PAGE}`] },
    { workload: `history, page ${depth}`, server: history, paths: [path] },
  ];
  const points: Point[] = [];
  for (const { workload, server, paths } of reads) {
    const asked = { target: "read", workload, connections: CONNECTIONS, servers: [server], requests: readsOf(paths) };
    points.push(await measure(bench, asked));
  }
  const tables = await measureTables(sql);
  await whole.stop();
  return { points, depth, per_transfer, tables, start };
}

/** Transfers that pay the first wallet, by full lists, followed until all is at rest. */
async function measureTransfers(
  { database, sql, drained }: RunningSystem,
  wallets: readonly string[],
): Promise<PerTransfer> {
  const writer = connectFunctions(database, { service: "wallet", purpose: "bench", max: 1 });
  const transfers = PAGE * DEEP_PAGES;
  const before = await countersOf(sql);
  for (let done = 0; done < transfers; done += BATCH_OPERATIONS) {
    await applyTransfers(callWith(writer), pairsIntoFirst(wallets, BATCH_OPERATIONS));
  }
  await drained();
  await Bun.sleep(STATISTICS_MS);
  const after = await countersOf(sql);
  await writer.end();
  return {
    transfers,
    wal_bytes: (after.wal_bytes - before.wal_bytes) / transfers,
    rows_inserted: (after.inserted - before.inserted) / transfers,
    rows_updated: (after.updated - before.updated) / transfers,
  };
}

interface Counters {
  readonly wal_bytes: number;
  readonly inserted: number;
  readonly updated: number;
}

async function countersOf(sql: postgres.Sql): Promise<Counters> {
  const [row] = await sql<Counters[]>`
    select (pg_current_wal_lsn() - '0/0')::float8 as wal_bytes,
           sum(n_tup_ins)::float8 as inserted, sum(n_tup_upd)::float8 as updated
      from pg_stat_user_tables`;
  return row ?? { wal_bytes: 0, inserted: 0, updated: 0 };
}

/** The path of the deepest page of the wallet's history that there is, up to {@link DEEP_PAGES}. */
async function deepPage(history: string, wallet: string): Promise<{ path: string; depth: number }> {
  let path = `/wallets/${wallet}/history?limit=${PAGE}`;
  for (let depth = 1; ; depth++) {
    const page: unknown = await (await fetch(`${history}${path}`)).json();
    const cursor = typeof page === "object" && page !== null && "next_cursor" in page ? page.next_cursor : null;
    if (typeof cursor !== "string" || depth === DEEP_PAGES) return { path, depth };
    path = `/wallets/${wallet}/history?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`;
  }
}

/** The largest tables of both schemas, partitions counted with their parents. */
async function measureTables(sql: postgres.Sql): Promise<TableSize[]> {
  const rows = await sql<TableSize[]>`
    select coalesce(i.inhparent::regclass, c.oid::regclass)::text as name,
           sum(s.n_live_tup)::float8 as rows,
           sum(pg_table_size(c.oid))::float8 as table_bytes,
           sum(pg_indexes_size(c.oid))::float8 as index_bytes
      from pg_class c
      join pg_stat_user_tables s on s.relid = c.oid
      left join pg_inherits i on i.inhrelid = c.oid
     where c.relkind = 'r' and s.schemaname in ('wallet', 'history')
     group by 1
    having sum(s.n_live_tup) > 0
     order by 3 desc
     limit 8`;
  return [...rows];
}
