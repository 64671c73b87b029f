import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { tellWallet } from "../../../history/testing.ts";
import { connectFunctions, type Sql } from "../../../shared/database.ts";
import type { WalletEvent } from "../../../shared/events.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { createDatabase, type TestDatabase } from "../../../test/cluster.ts";

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase("record_events");
  sql = connectFunctions(database.url, { service: "history", purpose: "test", max: 4 });
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

/** One call; what was not new, as `ordinal outcome`. */
async function record(events: readonly unknown[], partition = 0): Promise<string[]> {
  const rows =
    await sql`select ordinal, outcome from record_events(${partition}::int, ${JSON.stringify(events)}::text)`;
  return rows.map(({ ordinal, outcome }) => `${ordinal} ${outcome}`);
}

function failureOf(call: PromiseLike<unknown>): PromiseLike<unknown> {
  return call.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

async function versionsOf({ wallet_id }: { wallet_id: string }): Promise<number[]> {
  const rows = await sql`select wallet_version from transaction_events where wallet_id = ${wallet_id} order by 1`;
  return rows.map((row) => Number(row.wallet_version));
}

async function gapsOf({ wallet_id }: { wallet_id: string }): Promise<string[]> {
  const rows = await sql`select from_version, to_version from gaps where wallet_id = ${wallet_id} order by 1`;
  return rows.map((row) => `${row.from_version}-${row.to_version}`);
}

describe("an event is stored once and exactly", () => {
  test("a new batch is stored whole, and answers nothing", async () => {
    const wallet = tellWallet("an'a \u{1F600}\u2028");
    const [created, funded] = [wallet.created(), wallet.funded({ description: "café", reference: null })];
    const unknown = { ...funded, later_field: { nested: [1, "two", null] } };
    expect(await record([created, unknown])).toEqual([]);
    const rows =
      await sql`select * from transaction_events where wallet_id = ${wallet.wallet_id} order by wallet_version`;
    expect(rows.map((row) => row.event_data)).toEqual([created, unknown]);
    expect(rows[1]).toMatchObject({
      id: funded.id,
      user_id: wallet.user_id,
      amount: "1.0000",
      event_type: "WALLET_FUNDED",
      transaction_id: funded.transaction_id,
      wallet_version: "2",
      partition: 0,
    });
    const [row] =
      await sql`select occurred_at = ${funded.occurred_at}::timestamptz as same from transaction_events where id = ${funded.id}`;
    expect(row?.same).toBe(true);
  });

  test("an empty batch is nothing", async () => {
    expect(await record([])).toEqual([]);
  });

  test("a redelivered batch is told to be duplicates, and changes nothing", async () => {
    const wallet = tellWallet();
    const events = wallet.story(3);
    await record(events);
    const before = await sql`select * from stream_positions`;
    expect(await record(events)).toEqual(["1 duplicate", "2 duplicate", "3 duplicate"]);
    expect(await versionsOf(wallet)).toEqual([1, 2, 3]);
    expect(await sql`select * from stream_positions`).toEqual(before);
  });

  test("an event that comes twice within one batch is stored once", async () => {
    const wallet = tellWallet();
    const [one, two, three] = wallet.story(3);
    expect(await record([one, two, two, one, three])).toEqual(["3 duplicate", "4 duplicate"]);
    expect(await versionsOf(wallet)).toEqual([1, 2, 3]);
    expect(await gapsOf(wallet)).toEqual([]);
  });

  test("it cannot be changed or removed, not even by the owner", async () => {
    const wallet = tellWallet();
    await record(wallet.story(1));
    const owner = connectFunctions(database.url, { service: "history", purpose: "owner", max: 1, asOwner: true });
    const attempts = [
      () => owner`update transaction_events set amount = 1 where wallet_id = ${wallet.wallet_id}`,
      () => owner`delete from transaction_events where wallet_id = ${wallet.wallet_id}`,
      () => owner`truncate transaction_events`,
    ];
    for (const attempt of attempts) expect(await failureOf(attempt())).toMatchObject({ code: "42501" });
    await owner.end();
    expect(await versionsOf(wallet)).toEqual([1]);
  });
});

describe("a contradiction is reported, and its neighbours are stored", () => {
  test("another event under a version that is taken", async () => {
    const wallet = tellWallet();
    const [one, two, three] = wallet.story(3);
    await record([one, two]);
    expect(await record([{ ...two, id: uuidv7() }, three])).toEqual(["1 conflicting_version"]);
    expect(await versionsOf(wallet)).toEqual([1, 2, 3]);
  });

  test("within one batch the first wins", async () => {
    const wallet = tellWallet();
    const [one, two] = wallet.story(2);
    const other = { ...two, id: uuidv7() };
    expect(await record([one, two, other])).toEqual(["3 conflicting_version"]);
    const [row] =
      await sql`select id from transaction_events where wallet_id = ${wallet.wallet_id} and wallet_version = 2`;
    expect(row?.id).toBe(two!.id);
  });

  test("another content under an id that is taken", async () => {
    const wallet = tellWallet();
    const [one, two] = wallet.story(2);
    await record([one, two]);
    expect(await record([{ ...two, amount: "2.0000" }])).toEqual(["1 conflicting_event"]);
    expect(await record([{ ...two, wallet_version: 3 }])).toEqual(["1 conflicting_event"]);
    expect(await versionsOf(wallet)).toEqual([1, 2]);
  });
});

describe("a value that does not fit ends the call and stores nothing", () => {
  const broken: [string, Record<string, unknown>, string][] = [
    ["a user id that is too long", { user_id: "x".repeat(101) }, "22001"],
    ["an amount that would be rounded", { amount: "1.00001" }, "22003"],
    ["an amount that is too large", { amount: "1000000000000000.0000" }, "22003"],
    ["a negative amount", { amount: "-1.0000" }, "23514"],
    ["a version below 1", { wallet_version: 0 }, "23514"],
    ["no version", { wallet_version: null }, "23502"],
    ["an id that is none", { id: "x" }, "22P02"],
    ["a time that does not exist", { occurred_at: "2026-02-30T00:00:00.000000Z" }, "22008"],
    ["a NUL, which PostgreSQL cannot store", { description: "\0" }, "22P05"],
  ];
  test.each(broken)("%s", async (_, fields, code) => {
    const wallet = tellWallet();
    const [one, two, three] = wallet.story(3);
    expect(await failureOf(record([one, { ...two, ...fields }, three]))).toMatchObject({ code });
    expect(await versionsOf(wallet)).toEqual([]);
  });
});

describe("missing versions are known", () => {
  test("a version that skips ahead leaves a gap, which closes piece by piece", async () => {
    const wallet = tellWallet();
    const story = wallet.story(10);
    const pick = (...versions: number[]) => versions.map((version) => story[version - 1]);
    await record(pick(1, 2));
    await record(pick(9));
    expect(await gapsOf(wallet)).toEqual(["3-8"]);
    await record(pick(5, 6));
    expect(await gapsOf(wallet)).toEqual(["3-4", "7-8"]);
    await record(pick(10, 4, 3));
    expect(await gapsOf(wallet)).toEqual(["7-8"]);
    await record(pick(7, 8));
    expect(await gapsOf(wallet)).toEqual([]);
  });

  test("a wallet whose first events are missing has a gap from 1", async () => {
    const wallet = tellWallet();
    await record(wallet.story(3).slice(2));
    expect(await gapsOf(wallet)).toEqual(["1-2"]);
  });

  test("a version that is far ahead costs one row", async () => {
    const wallet = tellWallet();
    await record([wallet.created(), wallet.funded({ wallet_version: 900_000_000_000_000 })]);
    expect(await gapsOf(wallet)).toEqual(["2-899999999999999"]);
  });

  test("whatever the order, the batches and the repetitions, gaps are exactly what is missing", async () => {
    const deliveries = fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(deliveries, async (batches) => {
        const wallet = tellWallet();
        const story = wallet.story(12);
        for (const batch of batches) await record(batch.map((version) => story[version - 1]));
        const arrived = new Set(batches.flat());
        expect(await versionsOf(wallet)).toEqual([...arrived].toSorted((a, b) => a - b));
        const missing = Array.from({ length: Math.max(0, ...arrived) }, (_, at) => at + 1).filter(
          (version) => !arrived.has(version),
        );
        const ranges = (await gapsOf(wallet)).map((gap) => gap.split("-").map(Number));
        const recorded = ranges.flatMap(([from = 0, to = 0]) =>
          Array.from({ length: to - from + 1 }, (_, at) => from + at),
        );
        expect(recorded).toEqual(missing);
      }),
      { numRuns: 60 },
    );
  });
});

describe("positions", () => {
  test("grow in the order of a partition, each partition for itself", async () => {
    const [left, right] = [tellWallet(), tellWallet()];
    await record(left.story(3), 4);
    await record(right.story(2), 5);
    await record([left.funded()], 4);
    const rows =
      await sql`select wallet_version, position from transaction_events where wallet_id = ${left.wallet_id} order by position`;
    expect(rows.map((row) => Number(row.wallet_version))).toEqual([1, 2, 3, 4]);
    const [last] = await sql`select last_position from stream_positions where partition = 4`;
    expect(last?.last_position).toBe(rows.at(-1)?.position);
  });
});

describe("two processes that both believe to own a partition", () => {
  test("store every event once, without false gaps and with positions in order", async () => {
    const wallets = Array.from({ length: 5 }, () => tellWallet());
    const topic: WalletEvent[] = [];
    for (let round = 0; round < 40; round += 1) {
      for (const wallet of wallets) topic.push(round === 0 ? wallet.created() : wallet.funded());
    }
    /** Reads the topic in batches of its own, sometimes from a bit before. */
    const consume = async (size: number) => {
      for (let at = 0; at < topic.length; at += size) await record(topic.slice(Math.max(0, at - 7), at + size), 6);
    };
    await Promise.all([consume(11), consume(17), consume(29)]);
    for (const wallet of wallets) {
      expect(await versionsOf(wallet)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
      expect(await gapsOf(wallet)).toEqual([]);
    }
    const rows = await sql`select id from transaction_events where partition = 6 order by position`;
    expect(rows.map(({ id }) => id)).toEqual(topic.map(({ id }) => id));
  });
});
