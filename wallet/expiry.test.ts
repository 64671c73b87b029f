import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createLog } from "../shared/log.ts";
import { createDatabase, type TestDatabase, until } from "../test/cluster.ts";
import { createSchedule, type Schedule } from "../test/schedule.ts";
import { removeExpiredKeys } from "./expiry.ts";
import { attempt, type Direct, direct, fund, reserve, settle } from "./testing.ts";

/** How long idempotency keys live, by the database's clock. */

let database: TestDatabase;
let schedule: Schedule;
let server: Direct;
let wallets: string[];

beforeAll(async () => {
  database = await createDatabase("expiry");
  schedule = createSchedule(database.url);
  server = direct(database.url);
  wallets = await server.open(2, "100");
});

beforeEach(async () => {
  await schedule.owner`delete from wallet.idempotency_keys`;
});

afterAll(async () => {
  await Promise.all([schedule.end(), server.end()]);
  await database.drop();
});

/** A key of that age, as a fund leaves it. */
async function keep(key: string, age: string): Promise<void> {
  await server.apply([fund(wallets[0]!, "1", attempt(key))]);
  await grow(key, age);
}

async function grow(key: string, age: string): Promise<void> {
  await schedule.owner`update wallet.idempotency_keys set created_at = now() - ${age}::interval where key = ${key}`;
}

async function remove(chunk = 1_000): Promise<number> {
  const [row] = await server.sql<{ removed: number }[]>`select wallet.remove_expired_keys(${chunk}) as removed`;
  return row?.removed ?? -1;
}

const keys = async () =>
  (await server.sql<{ key: string }[]>`select key from wallet.idempotency_keys order by key`).map(({ key }) => key);

describe("a key lives as long as its attempt may be repeated", () => {
  test("25 hours, whether the client named it or not", async () => {
    await keep("client, young", "24 hours 59 minutes");
    await keep("client, old", "25 hours 1 minute");
    await keep(" internal, young", "24 hours 59 minutes");
    await keep(" internal, old", "25 hours 1 minute");
    expect(await remove()).toBe(2);
    expect(await keys()).toEqual([" internal, young", "client, young"]);
  });

  test("that of a saga as long as it is unfinished", async () => {
    const saga = reserve(wallets[0]!, wallets[1]!, "1", attempt("of a saga"));
    await server.apply([saga]);
    await grow("of a saga", "30 days");
    expect([await remove(), await keys()]).toEqual([0, ["of a saga"]]);
    expect(await server.apply([saga])).toMatchObject([{ status: 202, replayed: true }]);
    await server.apply([settle("id" in saga ? saga.id : "")]);
    expect([await remove(), await keys()]).toEqual([1, []]);
  });

  test("once it is gone it is free", async () => {
    await keep("again", "26 hours");
    await remove();
    expect(await server.apply([fund(wallets[0]!, "1", attempt("again"))])).toMatchObject([
      { status: 201, replayed: false },
    ]);
  });
});

describe("the clean-up holds nobody up", () => {
  test("it goes in chunks", async () => {
    for (let n = 0; n < 5; n += 1) await keep(`old ${n}`, "2 days");
    await keep("young", "1 day");
    expect([await remove(2), await remove(2), await remove(2), await remove(2)]).toEqual([2, 2, 1, 0]);
    expect(await keys()).toEqual(["young"]);
  });

  test("one server at a time", async () => {
    await keep("old", "2 days");
    const held = await schedule.hold(async (session) => session`select wallet.remove_expired_keys(10)`);
    expect(await remove()).toBe(0);
    await held.commit();
    expect(await keys()).toEqual([]);
  });

  test("the worker does it, and tells how many", async () => {
    for (let n = 0; n < 3; n += 1) await keep(`old ${n}`, "2 days");
    const removed: number[] = [];
    const worker = removeExpiredKeys(
      server.sql,
      createLog({ service: "test", level: "silent", pretty: false }),
      (count) => removed.push(count),
    );
    await until(() => removed.length > 0, { what: "the worker has looked" });
    await worker.stop(1_000);
    expect([removed, await keys()]).toEqual([[3], []]);
  });
});
