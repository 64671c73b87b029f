import { describe, expect, test } from "bun:test";
import postgres from "postgres";
import { cluster, createDatabase, createTopics, emptyDatabase, until } from "./cluster.ts";

describe("the servers of a test run", () => {
  test("a database of one test is migrated, and not another's", async () => {
    const [one, other] = await Promise.all([createDatabase("one"), createDatabase("other")]);
    const sql = postgres(one.url, { max: 1 });
    await sql`create table public.only_here (id int)`;
    const [row] = await sql`select count(*)::int as migrations from wallet.schema_migrations`;
    expect(row?.migrations).toBeGreaterThan(0);
    await sql.end();
    const elsewhere = postgres(other.url, { max: 1 });
    const [found] = await elsewhere`select to_regclass('public.only_here') as found`;
    expect(found?.found).toBeNull();
    await elsewhere.end();
    await Promise.all([one.drop(), other.drop()]);
  });

  test("an empty database has no schema of ours", async () => {
    const database = await emptyDatabase("empty");
    const sql = postgres(database.url, { max: 1 });
    const [row] = await sql`select to_regnamespace('wallet') as wallet`;
    expect(row?.wallet).toBeNull();
    await sql.end();
    await database.drop();
  });

  test("commits are durable, as in production", async () => {
    const sql = postgres((await cluster()).admin_url, { max: 1 });
    const [row] = await sql`
      select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commits,
        current_setting('full_page_writes') as pages`;
    expect(row).toEqual({ fsync: "on", commits: "on", pages: "on" });
    await sql.end();
  });

  test("topics have names of their own", async () => {
    const [one, other] = await Promise.all([createTopics("same"), createTopics("same")]);
    expect(new Set([...Object.values(one), ...Object.values(other)]).size).toBe(8);
  });
});

describe("until", () => {
  test("gives what the look answered", async () => {
    let looks = 0;
    expect(await until(() => (++looks === 3 ? "there" : null), { interval_ms: 1 })).toBe("there");
  });

  test("says what was awaited, and what was there instead", async () => {
    const never = until(() => Promise.reject(new Error("not yet")), {
      timeout_ms: 5,
      interval_ms: 1,
      what: "the moon",
    });
    expect(await never.catch((error: unknown) => String(error))).toMatch(/the moon.*not yet/s);
  });
});
