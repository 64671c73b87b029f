import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectFunctions, connectReads } from "../../shared/database.ts";
import { createLog } from "../../shared/log.ts";
import * as schema from "../../shared/schema/wallet.ts";
import { createCommitter } from "../../wallet/committer.ts";
import { callWith } from "../../wallet/execute.ts";
import { createQueries } from "../../wallet/queries.ts";
import { type Direct, direct, fund } from "../../wallet/testing.ts";
import { createDatabase, type TestDatabase } from "../cluster.ts";
import { startProxy, type TcpProxy } from "../proxy.ts";

/** The network drops every packet of the connections that there are, without a word to either side. */

const CONNECTIONS = 2;
/** Short, since the bound of a silence follows from it. */
const STATEMENT_TIMEOUT_MS = 200;

const log = createLog({ service: "test", level: "silent", pretty: false });

let database: TestDatabase;
let reference: Direct;
let proxy: TcpProxy;

beforeAll(async () => {
  database = await createDatabase("dead connections");
  reference = direct(database.url);
  proxy = await startProxy(Number(new URL(database.url).port));
});

afterAll(async () => {
  await reference.end();
  proxy.close();
  await database.drop();
});

const options = (purpose: string) => ({
  ...({ service: "wallet", purpose, max: CONNECTIONS, statementTimeoutMs: STATEMENT_TIMEOUT_MS } as const),
});

describe("connections that have died in silence are replaced", () => {
  test("payments go on, each done once", async () => {
    const [wallet = ""] = await reference.open(1, "1");
    const pool = connectFunctions(proxy.databaseUrl(database.url), options("functions"));
    const committer = createCommitter({
      call: callWith(pool),
      log,
      now: () => performance.now(),
      onCommit: () => undefined,
    });
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool`select pg_sleep(0.05)`));
    proxy.blackHole();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => committer.submit(fund(wallet, "1"))));
    expect(outcomes.map((outcome) => outcome.failure ?? outcome.status)).toEqual(Array(20).fill(201));
    const [row] = await reference.sql`select balance, version from wallet.wallets where id = ${wallet}`;
    expect(row).toEqual({ balance: "21.0000", version: "22" });
    await committer.stop();
    await pool.end({ timeout: 1 });
  });

  test("reads go on", async () => {
    const [wallet = ""] = await reference.open(1, "1");
    const reads = connectReads(proxy.databaseUrl(database.url), options("reads"), schema);
    const queries = createQueries(reads.db);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => reads.sql`select pg_sleep(0.05)`));
    proxy.blackHole();
    const lost = await Promise.allSettled(Array.from({ length: CONNECTIONS }, () => queries.wallet(wallet)));
    expect(lost.map(({ status }) => status)).toEqual(Array(CONNECTIONS).fill("rejected"));
    expect(lost[0]).toMatchObject({ reason: { problem: "unavailable" } });
    expect(await queries.wallet(wallet)).toMatchObject({ id: wallet, balance: "1.0000" });
    await reads.sql.end({ timeout: 1 });
  });

  test("a connection that is idle, or waits for its turn, is left alone", async () => {
    const pool = connectFunctions(proxy.databaseUrl(database.url), { ...options("idle"), max: 1 });
    const pid = async () => (await pool`select pg_backend_pid() as pid`)[0]?.pid;
    const first = await pid();
    // Longer than a silence may be.
    await Bun.sleep(STATEMENT_TIMEOUT_MS + 1_300);
    expect(await pid()).toBe(first);
    await pool.end({ timeout: 1 });
  });
});
