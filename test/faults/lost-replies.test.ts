import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connectFunctions, type Sql } from "../../shared/database.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { createLog } from "../../shared/log.ts";
import { callWith, execute } from "../../wallet/execute.ts";
import type { Operation } from "../../wallet/operation.ts";
import { attempt, create, type Direct, direct, fund, transfer } from "../../wallet/testing.ts";
import { createDatabase, type TestDatabase, until } from "../cluster.ts";
import { startProxy, type TcpProxy } from "../proxy.ts";
import { createSchedule, type Schedule } from "../schedule.ts";

/** The connection fails at the worst moment: the database has committed, or is about to, and nobody is told. */

const log = createLog({ service: "test", level: "silent", pretty: false });

let database: TestDatabase;
let schedule: Schedule;
let reference: Direct;
let proxy: TcpProxy;
/** The server's pool, which the proxy disturbs. */
let pool: Sql;

beforeAll(async () => {
  database = await createDatabase("lost replies");
  schedule = createSchedule(database.url);
  reference = direct(database.url);
});

beforeEach(async () => {
  proxy = await startProxy(Number(new URL(database.url).port));
  pool = connectThrough(proxy);
  await pool`select 1`;
});

afterEach(async () => {
  await pool.end({ timeout: 0 });
  proxy.close();
});

afterAll(async () => {
  await Promise.all([schedule.end(), reference.end()]);
  await database.drop();
});

function connectThrough({ databaseUrl }: TcpProxy, lockTimeoutMs = 2_000): Sql {
  return connectFunctions(databaseUrl(database.url), { service: "wallet", purpose: "test", max: 1, lockTimeoutMs });
}

/** The sizes of the calls, beside what came of them. */
function executing(list: readonly Operation[], sql: Sql = pool, now = () => performance.now()) {
  const calls: number[] = [];
  const call = callWith(sql);
  const outcomes = execute(list, {
    call: async (operations) => {
      calls.push(operations.length);
      return call(operations);
    },
    log,
    now,
  });
  return { calls, outcomes };
}

async function stateOf(id: string) {
  const [row] = await reference.sql<{ balance: string; version: string }[]>`
    select balance, version from wallet.wallets where id = ${id}`;
  return row && `${row.balance} at version ${row.version}`;
}

describe("a reply that was lost costs time, and no money", () => {
  test.each([
    ["under the clients' keys", () => uuidv7() as string],
    ["under internal keys", () => ` ${uuidv7()}`],
  ])("the same list is sent again, %s", async (_, key) => {
    const [one = "", other = ""] = await reference.open(2, "10");
    const list = [
      fund(one, "1", attempt(key())),
      transfer(one, other, "2", attempt(key())),
      create(uuidv7(), { key: key() }),
    ];
    const swallowed = proxy.swallowNextReply();
    const { calls, outcomes } = executing(list);
    await swallowed;
    expect(await stateOf(one)).toBe("9.0000 at version 4");
    expect((await outcomes).map((outcome) => outcome.failure === undefined && outcome.status)).toEqual([201, 201, 201]);
    expect(calls).toEqual([3, 3]);
    expect(await stateOf(one)).toBe("9.0000 at version 4");
    expect(await stateOf(other)).toBe("12.0000 at version 3");
  });

  test("also where it was the reply to a half, after a bad operation", async () => {
    const [one = "", other = ""] = await reference.open(2, "10");
    let swallowed: Promise<void> | undefined;
    const call = callWith(pool);
    const list = [fund(one, "1"), fund(other, "1.00001")];
    const outcomes = await execute(list, {
      call: async (operations) => {
        if (operations.length === 1) swallowed ??= proxy.swallowNextReply();
        return call(operations);
      },
      log,
      now: () => performance.now(),
    });
    await swallowed;
    expect(outcomes).toMatchObject([{ status: 201 }, { failure: "internal_error" }]);
    expect(await stateOf(one)).toBe("11.0000 at version 3");
  });
});

describe("an attempt that nobody waits for any more may still commit", () => {
  /** Sends the list, cuts the client off while the database works on it, and lets that go on once the list was sent again. */
  async function overtaken(list: readonly Operation[], again: Sql, repetitions: number) {
    const held = await schedule.hold((session) => session`lock table wallet.outbox in share mode`);
    const calls: number[] = [];
    const outcomes = execute(list, {
      call: async (operations) => {
        calls.push(operations.length);
        return callWith(calls.length === 1 ? pool : again)(operations);
      },
      log,
      now: () => performance.now(),
    });
    try {
      await schedule.blocked(1);
      proxy.abandon();
      await until(() => calls.length > repetitions, { what: "the list is sent again" });
      await schedule.blocked(2);
    } finally {
      await held.commit();
    }
    return outcomes;
  }

  test("whichever commits first, the other repeats its answer", async () => {
    const [one = ""] = await reference.open(1, "10");
    expect(await overtaken([fund(one, "1"), fund(one, "2")], pool, 1)).toMatchObject([
      { status: 201 },
      { status: 201 },
    ]);
    expect(await stateOf(one)).toBe("13.0000 at version 4");
  });

  test("even if the lock is not given in time again and again: the earlier attempt holds it", async () => {
    const [one = ""] = await reference.open(1, "10");
    const impatient = connectThrough(proxy, 100);
    expect(await overtaken([fund(one, "1")], impatient, 3)).toMatchObject([{ status: 201, replayed: false }]);
    await impatient.end();
    expect(await stateOf(one)).toBe("11.0000 at version 3");
  });

  test("a wallet that is being opened is opened once", async () => {
    const id = uuidv7();
    expect(await overtaken([create(id)], pool, 1)).toMatchObject([{ status: 201 }]);
    expect(await stateOf(id)).toBe("0.0000 at version 1");
  });
});

describe("what cannot be resolved is told as what is known of it", () => {
  /** Each look at it is a second later. */
  const fastClock = () => {
    let seconds = 0;
    return () => 1_000 * seconds++;
  };

  test("nothing was sent: unavailable, and nothing happened", async () => {
    const [one = ""] = await reference.open(1, "10");
    proxy.refuse();
    await until(() => pool`select 1`.catch((error) => error.code === "ECONNREFUSED"), { what: "the pool has noticed" });
    const { calls, outcomes } = executing([fund(one, "1"), fund(one, "2")], pool, fastClock());
    expect(await outcomes).toEqual([{ failure: "unavailable" }, { failure: "unavailable" }]);
    expect(calls).toEqual([2, 2, 2, 2, 2]);
    expect(await stateOf(one)).toBe("10.0000 at version 2");
  });

  test("the reply was lost, and the database stays away: the outcome is unknown", async () => {
    const [one = ""] = await reference.open(1, "10");
    const list = [fund(one, "1")];
    const swallowed = proxy.swallowNextReply().then(() => proxy.refuse());
    const { calls, outcomes } = executing(list, pool, fastClock());
    expect(await outcomes).toEqual([{ failure: "outcome_unknown" }]);
    expect(calls).toEqual([1, 1, 1, 1, 1]);
    await swallowed;
    expect(await stateOf(one)).toBe("11.0000 at version 3");
    // The client comes again with its key.
    await proxy.admit();
    expect(await executing(list).outcomes).toMatchObject([{ status: 201, replayed: true }]);
    expect(await stateOf(one)).toBe("11.0000 at version 3");
  });

  test("the database comes back in time: nobody notices", async () => {
    const [one = ""] = await reference.open(1, "10");
    proxy.refuse();
    const { calls, outcomes } = executing([fund(one, "1")]);
    await until(() => calls.length > 1);
    await proxy.admit();
    expect(await outcomes).toMatchObject([{ status: 201 }]);
  });
});
