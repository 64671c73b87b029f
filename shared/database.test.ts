import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createDatabase, type TestDatabase, until } from "../test/cluster.ts";
import { connectFunctions, type Sql } from "./database.ts";

/** What a connection gives to one statement after another has failed on it (patches/postgres@3.4.9.patch). */

let database: TestDatabase;
/** Of one connection, so that every statement comes after the one before. */
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase("connections");
});

beforeEach(() => {
  sql = connectFunctions(database.url, { service: "wallet", purpose: "test", max: 1 });
});

afterEach(() => sql.end({ timeout: 1 }));

afterAll(() => database.drop());

const numbers = () => sql<{ n: number }[]>`select n from generate_series(1, 3) n`;
const NUMBERS = [{ n: 1 }, { n: 2 }, { n: 3 }];

describe("a statement that fails after its first rows leaves none of them to the next", () => {
  test("by an error", async () => {
    const failed = sql`select n, 1 / (3 - n) from generate_series(1, 5) n`;
    await expect(failed).rejects.toMatchObject({ code: "22012" });
    expect([...(await numbers())]).toEqual(NUMBERS);
  });

  test("by its time-out", async () => {
    await sql`set statement_timeout = 50`;
    const late = sql`select n, case when n = 3 then pg_sleep(5) end from generate_series(1, 5) n`;
    await expect(late).rejects.toMatchObject({ code: "57014" });
    expect([...(await numbers())]).toEqual(NUMBERS);
  });

  test("by the end of its session, of which the next one is not told", async () => {
    const ending = sql`
      select n, case when n = 3 then pg_terminate_backend(pg_backend_pid()) end from generate_series(1, 100000) n`;
    await expect(ending).rejects.toThrow();
    expect([...(await numbers())]).toEqual(NUMBERS);
  });
});

describe("a session that ends while it is set up", () => {
  test("costs nothing: another one does the work, and the process goes on", async () => {
    const owner = connectFunctions(database.url, { service: "wallet", purpose: "test", max: 1, asOwner: true });
    const first = Promise.withResolvers<unknown[]>();
    await owner.begin(async (session) => {
      await session`lock table pg_catalog.pg_type in access exclusive mode`;
      numbers().then((rows) => first.resolve([...rows]), first.reject);
      const endsIt = async () => {
        await session`select pg_stat_clear_snapshot()`;
        const { count } = await session`
          select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and query like '%pg_catalog.pg_type%' and wait_event_type = 'Lock'`;
        return count > 0;
      };
      await until(endsIt, { what: "the session that asks for the types of arrays is ended" });
    });
    await owner.end();
    expect(await first.promise).toEqual(NUMBERS);
  });
});
