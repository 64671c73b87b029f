import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Sql } from "../shared/database.ts";
import { connectFunctions } from "../shared/database.ts";
import { uuidv7 } from "../shared/ids.ts";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";
import { connectAs } from "../test/outbox.ts";

/** The functions of the outbox, each called as the service's own role calls them. */
let database: TestDatabase;
let owner: Sql;
let app: Sql;

beforeAll(async () => {
  database = await createDatabase("outbox");
  owner = connectAs(database.url);
  app = connectFunctions(database.url, { service: "wallet", purpose: "test", max: 2 });
});
afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await database.drop();
});

/** Names of the day partitions, in order. */
async function days(): Promise<string[]> {
  const rows = await owner<{ name: string }[]>`
    select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'wallet.outbox'::regclass and inhrelid::regclass::text like 'outbox_2%' order by 1`;
  return rows.map(({ name }) => name);
}

const dayName = (days_from_now: number) =>
  `outbox_${new Date(Date.now() + days_from_now * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "")}`;

async function insert(count: number, created_at = new Date()): Promise<void> {
  await owner`
    insert into outbox (event_id, aggregate_id, type, payload, created_at)
    select gen_random_uuid(), ${uuidv7()}, 'WALLET_FUNDED', '{}', ${created_at} from generate_series(1, ${count}::int)`;
}

/** As if the relay had published everything. */
async function publishAll(): Promise<void> {
  await owner`update relay_state set last_snapshot = pg_current_snapshot(), target_snapshot = null, sent_id = null, until_id = null`;
}

describe("the outbox has a partition for each day ahead", () => {
  test("from the migration on, and the upkeep adds what is missing", async () => {
    const [today] = [dayName(0)];
    expect((await days()).slice(0, 1)).toEqual([today]);
    expect(await days()).toHaveLength(8);
    expect(await app`select create_outbox_days(7) as made`).toMatchObject([{ made: 0 }]);
    expect(await app`select create_outbox_days(9) as made`).toMatchObject([{ made: 2 }]);
    expect(await days()).toContain(dayName(9));
  });

  test("events of a day without one are kept, and move there when it is made", async () => {
    const before = new Date(Date.now() - 3 * 86_400_000);
    await insert(5, before);
    expect(await owner`select count(*)::int as count from outbox_default`).toMatchObject([{ count: 5 }]);
    expect(await app`select create_outbox_days(7) as made`).toMatchObject([{ made: 1 }]);
    expect(await owner`select count(*)::int as count from outbox_default`).toMatchObject([{ count: 0 }]);
    const rows = await owner`select count(*)::int as count from ${owner(dayName(-3))}`;
    expect(rows).toMatchObject([{ count: 5 }]);
  });
});

describe("a day is dropped a week after its end, if all its events are published", () => {
  test("and not before", async () => {
    await insert(3, new Date(Date.now() - 8 * 86_400_000));
    await insert(3, new Date(Date.now() - 7 * 86_400_000));
    await app`select create_outbox_days(7)`;
    expect(await app`select drop_outbox_days(7) as dropped`).toMatchObject([{ dropped: 0 }]);
    await publishAll();
    await owner`update relay_state set republish_from_id = 1, republish_to_id = 2`;
    expect(await app`select drop_outbox_days(7) as dropped`).toMatchObject([{ dropped: 0 }]);
    await owner`update relay_state set republish_from_id = null, republish_to_id = null`;
    expect(await app`select drop_outbox_days(7) as dropped`).toMatchObject([{ dropped: 1 }]);
    expect(await days()).not.toContain(dayName(-8));
    expect(await days()).toContain(dayName(-7));
  });

  test("a reader of the outbox makes it wait for the next time, not the writers for it", async () => {
    await insert(1, new Date(Date.now() - 9 * 86_400_000));
    await app`select create_outbox_days(7)`;
    await publishAll();
    const reader = await owner.reserve();
    await reader`begin`;
    await reader`select from outbox limit 1`;
    await expect(app`select drop_outbox_days(7)`.execute()).rejects.toMatchObject({ code: "55P03" });
    await reader`commit`;
    reader.release();
    expect(await app`select drop_outbox_days(7) as dropped`).toMatchObject([{ dropped: 1 }]);
  });
});

describe("the service's role has only what it needs", () => {
  test("it writes no event by itself, and changes or removes none", async () => {
    const event = { event_id: uuidv7(), aggregate_id: uuidv7(), type: "WALLET_FUNDED", payload: "{}" };
    const refused = { code: "42501" };
    await expect(app`insert into outbox ${app(event)}`.execute()).rejects.toMatchObject(refused);
    await expect(app`insert into outbox ${app({ ...event, xid: "3" })}`.execute()).rejects.toMatchObject(refused);
    await expect(app`insert into outbox ${app({ ...event, created_at: new Date(0) })}`.execute()).rejects.toMatchObject(
      refused,
    );
    await expect(app`update outbox set payload = '{}'`.execute()).rejects.toMatchObject(refused);
    await expect(app`delete from outbox`.execute()).rejects.toMatchObject(refused);
    await expect(app`delete from relay_state`.execute()).rejects.toMatchObject(refused);
    await expect(app`select republish(1, null)`.execute()).rejects.toMatchObject(refused);
  });

  test("the payload's bytes are kept", async () => {
    const payload = '{ "b":1,  "a" : "\\u00e9", "a":2 }';
    const event = { event_id: uuidv7(), aggregate_id: uuidv7(), type: "WALLET_FUNDED" };
    await owner`insert into outbox (event_id, aggregate_id, type, payload)
              values (${event.event_id}, ${event.aggregate_id}, ${event.type}, ${payload}::text::json)`;
    const [row] = await app`select payload::text as payload from outbox where event_id = ${event.event_id}`;
    expect(row?.payload).toBe(payload);
  });
});

describe("the lease", () => {
  const acquire = async (holder: string, lease_ms = 60_000) => {
    const [row] = await app<{ standing: string; epoch: string }[]>`select * from acquire_lease(${holder}, ${lease_ms})`;
    return row!;
  };

  test("has one holder, whose epoch stays while it renews in time and grows when it did not", async () => {
    const first = await acquire("a");
    expect(first.standing).toBe("leader");
    expect((await acquire("b")).standing).toBe("follower");
    expect(await acquire("a", 0)).toEqual(first);
    const late = await acquire("a");
    expect(Number(late.epoch)).toBe(Number(first.epoch) + 1);
    await app`select release_lease(${late.epoch})`;
    expect((await acquire("b")).standing).toBe("leader");
  });

  test("of an older epoch moves nothing", async () => {
    const old = await acquire("b", 0);
    const { epoch } = await acquire("c");
    const state = () => owner`select last_snapshot, target_snapshot, republish_from_id, holder from relay_state`;
    const before = await state();
    const [moved] = await app`select advance_outbox(${old.epoch}, 60000, '9:9:', 9, 9, true) as moved`;
    const [again] = await app`select advance_republished(${old.epoch}, 60000, 9, true) as moved`;
    await app`select release_lease(${old.epoch})`;
    expect([moved?.moved, again?.moved]).toEqual([false, false]);
    expect(await state()).toEqual(before);
    expect(await app`select * from survey_outbox(${old.epoch}, null, null, 10)`).toHaveLength(0);
    await app`select release_lease(${epoch})`;
  });

  test("that a clock set back since has dated far ahead does not block for ever", async () => {
    await owner`update relay_state set holder = 'x', lease_until = now() + interval '1 hour'`;
    expect((await acquire("d", 0)).standing).toBe("leader");
  });
});

describe("a backlog of any size", () => {
  test("is surveyed in calls of bounded size, and none of its events lies outside", async () => {
    await publishAll();
    const [lease] = await app`select epoch from acquire_lease('survey', 60000)`;
    for (let each = 0; each < 10; each++) await insert(7);
    const [expected] = await owner`select max(id) - 69 as first, max(id) as last from outbox`;
    let from: Record<string, string | null> = { target: null, next_xid: null };
    const parts: Record<string, string | null>[] = [];
    do {
      const [part] = await app`
        select * from survey_outbox(${lease?.epoch}, ${from.target ?? null}, ${from.next_xid ?? null}, 10)`;
      if (part === undefined) break;
      parts.push(part);
      from = part;
    } while (from.next_xid !== null);
    expect(parts.length).toBeGreaterThan(3);
    expect(Math.min(...parts.map(({ after_id }) => Number(after_id)))).toBe(Number(expected?.first) - 1);
    expect(Math.max(...parts.map(({ until_id }) => Number(until_id)))).toBe(Number(expected?.last));
    expect(new Set(parts.map(({ target }) => target)).size).toBe(1);
  });

  test("is never scanned, also by a plan that was made while the table was empty", async () => {
    const fresh = await createDatabase("outbox_plans");
    const [planned, admin] = [
      connectFunctions(fresh.url, { service: "wallet", purpose: "test", max: 1 }),
      connectAs(fresh.url, 1),
    ];
    const [lease] = await planned`select epoch from acquire_lease('plans', 60000)`;
    const work = async () => {
      const [target] = await planned`select * from survey_outbox(${lease?.epoch}, null, null, 1000)`;
      if (target === undefined) return;
      await planned`select from read_outbox(${lease?.epoch}, ${target.target}, ${target.after_id}, ${target.until_id}, 100)`;
      await planned`select from measure_outbox(1000)`;
    };
    for (let each = 0; each < 10; each++) await work();
    await admin`
      insert into outbox (event_id, aggregate_id, type, payload)
      select gen_random_uuid(), gen_random_uuid(), 'WALLET_FUNDED', '{}' from generate_series(1, 20000)`;
    for (let each = 0; each < 10; each++) await work();
    await planned`select pg_stat_force_next_flush()`;
    await planned`select 1`;
    const [scans] = await admin`
      select sum(seq_scan)::int as sequential, sum(idx_scan)::int as by_index
        from pg_stat_user_tables where relname like 'outbox_2%' and schemaname = 'wallet'`;
    await Promise.all([planned.end(), admin.end()]);
    await fresh.drop();
    expect(scans?.by_index).toBeGreaterThan(0);
    expect(scans?.sequential).toBe(0);
  });
});
