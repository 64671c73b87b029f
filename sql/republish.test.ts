import { afterAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../shared/ids.ts";
import { Publisher, startRelay } from "../shared/relay.ts";
import { until } from "../test/cluster.ts";
import { inOrderButForRepetitions, type OutboxFixture, outboxFixture, published } from "../test/outbox.ts";
import { parseFrom, republish } from "./republish.ts";

const running = new AbortController().signal;
const fixtures: OutboxFixture[] = [];

afterAll(() => Promise.all(fixtures.map((each) => each.drop())));

async function fixture(label: string): Promise<OutboxFixture> {
  const made = await outboxFixture(label);
  fixtures.push(made);
  return made;
}

const versionsOf = async (outbox: OutboxFixture) => (await published(outbox)).map(({ version }) => version);

describe("published events can be had again after the broker has lost data", () => {
  test("from an id, while the relay is at work", async () => {
    const outbox = await fixture("republish_id");
    const wallet = uuidv7();
    await outbox.write(wallet, 1, 5);
    const relay = startRelay(outbox.relayOptions());
    await until(() => relay.status().published === 5);
    // An id may be left out: a sequence does not give back what a failed attempt has drawn.
    const [third] = await outbox.sql<{ id: string }[]>`select id from outbox order by id offset 2 limit 1`;
    expect(await republish(outbox.sql, { id: third?.id ?? "" })).toBe(3);
    await until(() => relay.status().published === 8);
    await outbox.write(wallet, 6);
    await until(() => relay.status().published === 9);
    await relay.stop(2_000);
    expect(await versionsOf(outbox)).toEqual([1, 2, 3, 4, 5, 3, 4, 5, 6]);
  });

  test("from a time, many pages, and what is new comes in between", async () => {
    const outbox = await fixture("republish_time");
    const wallet = uuidv7();
    await outbox.write(wallet, 1, 10);
    await Bun.sleep(20);
    const from = new Date();
    await Bun.sleep(20);
    await outbox.write(wallet, 11, 2_500);
    const relay = startRelay(outbox.relayOptions());
    await until(() => relay.status().published === 2_510);
    expect(await republish(outbox.sql, { time: from })).toBe(2_500);
    await outbox.write(wallet, 2_511);
    await until(() => relay.status().published === 2_510 + 2_500 + 1);
    await relay.stop(2_000);
    const { reached, repetitions } = inOrderButForRepetitions(await published(outbox));
    expect(reached.get(wallet)).toBe(2_511);
    expect(repetitions).toBe(2_500);
  });

  test("an event of the range that is not published yet cannot be overtaken", async () => {
    const outbox = await fixture("republish_open");
    const wallet = uuidv7();
    const writer = await outbox.sql.reserve();
    await writer`begin`;
    await outbox.write(wallet, 1, 1, writer);
    await outbox.write(uuidv7(), 1);
    await republish(outbox.sql, { id: "0" });
    const during = new Publisher(outbox.relayOptions());
    await during.runOnce(running);
    await during.close();
    await outbox.write(wallet, 2, 1, writer);
    await writer`commit`;
    writer.release();
    await republish(outbox.sql, { id: "0" });
    const after = new Publisher(outbox.relayOptions());
    await after.runOnce(running);
    await after.close();
    const { reached } = inOrderButForRepetitions(await published(outbox));
    expect(reached.get(wallet)).toBe(2);
  });

  test("a range in which there is nothing is no range", async () => {
    const outbox = await fixture("republish_none");
    expect(await republish(outbox.sql, { id: "1" })).toBe(0);
    expect(await republish(outbox.sql, { time: new Date() })).toBe(0);
  });
});

describe("a database that was restored on another server", () => {
  test("is not published from, until an operator has all that is left published again", async () => {
    const outbox = await fixture("republish_restored");
    const wallet = uuidv7();
    await outbox.write(wallet, 1, 3);
    const publisher = new Publisher(outbox.relayOptions());
    await publisher.runOnce(running);
    // As pg_dump and pg_restore bring it: the numbers of transactions are those of the other server, far ahead.
    await outbox.sql`update outbox set xid = (xid::text::numeric + 1000000)::text::xid8`;
    await outbox.sql`
      update relay_state set system_identifier = 42, last_snapshot = '2000000:2000000:', lease_until = '-infinity'`;
    await outbox.write(wallet, 4, 2);
    const relay = startRelay(outbox.relayOptions());
    await until(() => relay.status().standing === "restored_elsewhere");
    await outbox.write(wallet, 6);
    expect(relay.status().published).toBe(0);
    await relay.stop(2_000);

    expect(await republish(outbox.sql, { time: new Date() })).toBe(6);
    const next = startRelay(outbox.relayOptions());
    await outbox.write(wallet, 7);
    await until(() => next.status().published === 7);
    await next.stop(2_000);
    await publisher.close();
    expect(await versionsOf(outbox)).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("the command's argument", () => {
  test("is an id or a time that means the same everywhere", () => {
    expect(parseFrom("123")).toEqual({ id: "123" });
    expect(parseFrom("2026-01-31T09:30:00Z")).toEqual({ time: new Date("2026-01-31T09:30:00Z") });
    expect(parseFrom("2026-01-31")).toEqual({ time: new Date("2026-01-31T00:00:00Z") });
    for (const text of ["", "yesterday", "2026-01-31T09:30:00", "-1", "1e3", "2026-13-01"]) {
      expect(parseFrom(text)).toBeUndefined();
    }
  });
});
