import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectFunctions, type Sql } from "../shared/database.ts";
import { createLog } from "../shared/log.ts";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";
import { BATCH_OPERATIONS, CALLS_IN_FLIGHT, createCommitter } from "./committer.ts";
import { callWith } from "./execute.ts";
import type { Operation } from "./operation.ts";
import { type Direct, direct, transfer } from "./testing.ts";

/**
 * What a transfer costs, in counts that are the same on every machine: a change that makes it dearer fails here, and not only
 * in a benchmark that somebody runs some day. The figures beside the bounds are those of the day on which they were set.
 */

/** Calls that warm up the plans, the caches and the pages first. */
const WARM_UP_CALLS = 4;
const MEASURED_CALLS = 10;
const TRANSFERS = BATCH_OPERATIONS * MEASURED_CALLS;

let database: TestDatabase;
let server: Direct;
/** One connection, whose backend is measured. */
let session: Sql;
let wallets: string[];

beforeAll(async () => {
  database = await createDatabase("costs");
  server = direct(database.url);
  session = connectFunctions(database.url, { service: "wallet", purpose: "costs", max: 1, asOwner: true });
  wallets = await server.open(400, "1000000");
});

afterAll(async () => {
  await Promise.all([server.end(), session.end({ timeout: 5 })]);
  await database.drop();
});

/** Transfers between wallets that come round and round. */
function transfers(count: number): Operation[] {
  const at = (index: number) => wallets[index % wallets.length] ?? "";
  return Array.from({ length: count }, (_, index) => transfer(at(index), at(index * 7 + 1), "0.0100"));
}

async function apply(count: number): Promise<void> {
  const outcomes = await callWith(session)(transfers(count));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([201]));
}

async function warmUp(): Promise<void> {
  for (let call = 0; call < WARM_UP_CALLS; call++) await apply(BATCH_OPERATIONS);
}

describe("a transfer in a full call", () => {
  test("shares its statement, round trip and commit with hundreds", async () => {
    const sent: number[] = [];
    const call = callWith(server.sql);
    const before = await commits();
    const committer = createCommitter({
      call: (operations) => {
        sent.push(operations.length);
        return call(operations);
      },
      log: createLog({ service: "test", level: "silent", pretty: false }),
      now: () => performance.now(),
      onCommit: () => undefined,
    });
    await Promise.all(transfers(TRANSFERS).map((operation) => committer.submit(operation)));
    await committer.stop();
    // The first calls leave as soon as something is there; each other one is full.
    expect(sent.length).toBeLessThanOrEqual(MEASURED_CALLS + CALLS_IN_FLIGHT);
    expect((await commits()) - before).toBe(sent.length);
  });

  test("writes two lines, two events, one key and at most two wallets", async () => {
    await warmUp();
    const before = await rows();
    for (let call = 0; call < MEASURED_CALLS; call++) await apply(BATCH_OPERATIONS);
    const after = await rows();
    const written = Object.keys(after).map((table) => [
      table,
      ((after[table] ?? 0) - (before[table] ?? 0)) / TRANSFERS,
    ]);
    const { wallets: updated, ...others } = Object.fromEntries(written);
    expect(others).toEqual({ wallet_transactions: 2, outbox: 2, idempotency_keys: 1, transfer_sagas: 0 });
    // A wallet that is in a list more than once is written once.
    expect(updated).toBeLessThanOrEqual(2);
  });

  test("writes at most 4 kB of WAL", async () => {
    await warmUp();
    const before = await wal();
    for (let call = 0; call < MEASURED_CALLS; call++) await apply(BATCH_OPERATIONS);
    const after = await wal();
    // 3,000 bytes, and 16 records: the images of whole pages after a checkpoint are not the transfer's.
    expect((after.bytes - before.bytes) / TRANSFERS).toBeLessThanOrEqual(4_000);
    expect((after.records - before.records) / TRANSFERS).toBeLessThanOrEqual(22);
  });

  test("takes no longer in a long list than in a short one", async () => {
    await warmUp();
    const shortest = async (count: number): Promise<number> => {
      const started = performance.now();
      await apply(count);
      return performance.now() - started;
    };
    const times: Record<number, number[]> = { 50: [], 500: [] };
    for (let round = 0; round < 15; round++) for (const count of [50, 500]) times[count]?.push(await shortest(count));
    // 4 to 8. What grows with the square of the list (a search of an array for each operation) makes it 40 and more.
    expect(Math.min(...(times[500] ?? [])) / Math.min(...(times[50] ?? []))).toBeLessThanOrEqual(15);
  });
});

/** Transactions that have written events. */
async function commits(): Promise<number> {
  const [row] = await session<{ commits: number }[]>`select count(distinct xid)::int as commits from outbox`;
  return row?.commits ?? 0;
}

async function rows(): Promise<Record<string, number>> {
  await session`select pg_stat_force_next_flush()`;
  const found = await session<{ table: string; rows: number }[]>`
    select case when relname like 'outbox%' then 'outbox' else relname end as "table",
           sum(n_tup_ins + n_tup_upd)::int as rows
      from pg_stat_user_tables
     where schemaname = 'wallet'
       and (relname in ('wallets', 'wallet_transactions', 'idempotency_keys', 'transfer_sagas') or relname like 'outbox%')
     group by 1`;
  return Object.fromEntries(found.map(({ table, rows: count }) => [table, count]));
}

/** What the measured session has written, without the images of whole pages. */
async function wal(): Promise<{ bytes: number; records: number }> {
  await session`select pg_stat_force_next_flush()`;
  const [row] = await session<{ bytes: number; records: number }[]>`
    select (wal_bytes - wal_fpi * 8192)::float8 as bytes, wal_records::float8 as records
      from pg_stat_get_backend_wal(pg_backend_pid())`;
  if (row === undefined) throw new Error("the session has written nothing");
  return row;
}
