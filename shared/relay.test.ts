import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../test/cluster.ts";
import { inOrderButForRepetitions, type OutboxFixture, outboxFixture, published } from "../test/outbox.ts";
import { uuidv7 } from "./ids.ts";
import { connectProducer, type Producer } from "./kafka.ts";
import { Publisher, type Relay, startRelay } from "./relay.ts";

const running = new AbortController().signal;
const fixtures: OutboxFixture[] = [];
const relays: Relay[] = [];

async function fixture(label: string): Promise<OutboxFixture> {
  const made = await outboxFixture(label);
  fixtures.push(made);
  return made;
}

function relayOn(outbox: OutboxFixture, overrides?: Parameters<OutboxFixture["relayOptions"]>[0]): Relay {
  const relay = startRelay(outbox.relayOptions(overrides));
  relays.push(relay);
  return relay;
}

afterAll(async () => {
  await Promise.all(relays.map((relay) => relay.stop(2_000)));
  await Promise.all(fixtures.map((each) => each.drop()));
});

describe("no event is lost or overtaken, in whatever order transactions commit", () => {
  let outbox: OutboxFixture;
  let publisher: Publisher;

  beforeAll(async () => {
    outbox = await fixture("relay_order");
    publisher = new Publisher(outbox.relayOptions());
  });
  afterAll(() => publisher.close());

  /** Publishes all that is visible now; gives the versions of the wallet in the order of the topic. */
  async function versions(wallet: string): Promise<number[]> {
    await publisher.runOnce(running);
    return (await published(outbox)).filter((each) => each.wallet === wallet).map(({ version }) => version);
  }

  test("a higher id that commits first is published, and the lower one when it commits", async () => {
    const [early, late] = [uuidv7(), uuidv7()];
    const slow = await outbox.sql.reserve();
    await slow`begin`;
    await outbox.write(early, 1, 1, slow);
    await outbox.write(late, 1);
    expect(await versions(late)).toEqual([1]);
    expect(await versions(early)).toEqual([]);
    await slow`commit`;
    slow.release();
    expect(await versions(early)).toEqual([1]);
    expect(await versions(late)).toEqual([1]);
  });

  test("a transaction with a lower number that writes and commits last keeps the wallet's order", async () => {
    const wallet = uuidv7();
    const [first, second] = await Promise.all([outbox.sql.reserve(), outbox.sql.reserve()]);
    // The first takes its number, then waits for the wallet, as a writer does that is queued behind another.
    await first`begin`;
    await first`select pg_current_xact_id()`;
    await second`begin`;
    await second`select pg_advisory_xact_lock(1)`;
    await outbox.write(wallet, 1, 1, second);
    const waiting = first`select pg_advisory_xact_lock(1)`.execute();
    expect(await versions(wallet)).toEqual([]);
    await second`commit`;
    expect(await versions(wallet)).toEqual([1]);
    await waiting;
    await outbox.write(wallet, 2, 1, first);
    expect(await versions(wallet)).toEqual([1]);
    await first`commit`;
    for (const each of [first, second]) each.release();
    expect(await versions(wallet)).toEqual([1, 2]);
  });

  test("a transaction that rolls back leaves nothing behind", async () => {
    const wallet = uuidv7();
    const writer = await outbox.sql.reserve();
    await writer`begin`;
    await outbox.write(wallet, 1, 1, writer);
    expect(await versions(wallet)).toEqual([]);
    await writer`rollback`;
    writer.release();
    await outbox.write(wallet, 1);
    expect(await versions(wallet)).toEqual([1]);
  });

  test("a backlog of many pages is published once, in order", async () => {
    const [one, other] = [uuidv7(), uuidv7()];
    await outbox.write(one, 1, 2_500);
    await outbox.write(other, 1, 10);
    const ascending = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
    expect(await versions(one)).toEqual(ascending(2_500));
    expect(await versions(other)).toEqual(ascending(10));
  });
});

describe("random writers on many connections", () => {
  test("each wallet's events are in the topic once and in order", async () => {
    const outbox = await fixture("relay_random");
    const wallets = Array.from({ length: 5 }, () => uuidv7());
    const written = new Map(wallets.map((wallet) => [wallet, 0]));
    const relay = relayOn(outbox);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const writer = await outbox.sql.reserve();
        for (let round = 0; round < 40; round++) {
          await writer`begin`;
          if (Math.random() < 0.5) await writer`select pg_current_xact_id()`;
          const index = Math.floor(Math.random() * wallets.length);
          const wallet = wallets[index]!;
          await writer`select pg_advisory_xact_lock(${index})`;
          const version = (written.get(wallet) ?? 0) + 1;
          await outbox.write(wallet, version, 1, writer);
          if (Math.random() < 0.3) await Bun.sleep(Math.random() * 5);
          if (Math.random() < 0.1) await writer`rollback`;
          else {
            written.set(wallet, version);
            await writer`commit`;
            relay.wake();
          }
        }
        writer.release();
      }),
    );
    await until(async () => (await relay.backlog()).events === 0);
    const { reached, repetitions } = inOrderButForRepetitions(await published(outbox));
    expect(reached).toEqual(new Map([...written].filter(([, version]) => version > 0)));
    expect(repetitions).toBe(0);
  });
});

describe("a failure repeats events at worst", () => {
  test("stopped between send and mark, the next relay sends the same again and goes on", async () => {
    const outbox = await fixture("relay_mark");
    const wallet = uuidv7();
    await outbox.write(wallet, 1, 3);
    const options = outbox.relayOptions();
    const dying = new Publisher({
      ...options,
      // Its database is gone just when the broker has acknowledged.
      connectProducer: async (deadline_ms) => {
        const producer = await connectProducer(outbox.kafka, deadline_ms);
        return wrapped(producer, async (send) => {
          await send();
          await outbox.sql`update relay_state set epoch = epoch + 1, holder = null, lease_until = '-infinity'`;
        });
      },
    });
    await dying.runOnce(running);
    expect(dying.status().standing).toBe("follower");
    await outbox.write(wallet, 4);
    const next = new Publisher(outbox.relayOptions());
    await next.runOnce(running);
    await Promise.all([dying.close(), next.close()]);
    expect((await published(outbox)).map(({ version }) => version)).toEqual([1, 2, 3, 1, 2, 3, 4]);
  });

  test("a producer that fails is dropped, and another sends from the same position", async () => {
    const outbox = await fixture("relay_producer");
    const wallets = Array.from({ length: 20 }, () => uuidv7());
    let failures = 0;
    const relay = relayOn(outbox, {
      connectProducer: async (deadline_ms) => {
        const producer = await connectProducer(outbox.kafka, deadline_ms);
        return wrapped(producer, async (send) => {
          if (failures < 6 && Math.random() < 0.5) {
            failures++;
            // Lost on its way there, or only its answer.
            if (Math.random() < 0.5) await send();
            throw new Error("the broker is gone");
          }
          await send();
        });
      },
    });
    for (let version = 1; version <= 20; version++) {
      for (const wallet of wallets) await outbox.write(wallet, version);
      relay.wake();
    }
    await until(async () => (await relay.backlog()).events === 0);
    const { reached } = inOrderButForRepetitions(await published(outbox));
    expect(new Set(reached.values())).toEqual(new Set([20]));
    expect(reached.size).toBe(20);
    expect(relay.status().last_error).toBeNull();
  });

  test("a broker that is not there yet is waited for, and the status says so", async () => {
    const outbox = await fixture("relay_no_broker");
    await outbox.write(uuidv7(), 1);
    let there = false;
    const relay = relayOn(outbox, {
      connectProducer: (deadline_ms) =>
        connectProducer(there ? outbox.kafka : { ...outbox.kafka, brokers: ["127.0.0.1:1"] }, deadline_ms),
    });
    await until(() => relay.status().last_error);
    expect((await relay.backlog()).events).toBe(1);
    expect((await relay.backlog()).oldest_age_ms).toBeGreaterThan(0);
    there = true;
    await until(async () => (await published(outbox)).length === 1);
    expect(relay.status().last_error).toBeNull();
  });
});

describe("a backlog of any size", () => {
  test("that takes many calls to survey is published whole, in order", async () => {
    const outbox = await fixture("relay_survey");
    const wallets = Array.from({ length: 3 }, () => uuidv7());
    for (let version = 1; version <= 60; version += 4) {
      for (const wallet of wallets) await outbox.write(wallet, version, 4);
    }
    const publisher = new Publisher(outbox.relayOptions({ survey_rows: 10 }));
    await publisher.runOnce(running);
    await publisher.close();
    expect(inOrderButForRepetitions(await published(outbox))).toEqual({
      reached: new Map(wallets.map((wallet) => [wallet, 60])),
      repetitions: 0,
    });
  });

  test("is not looked at while there is no broker, and surveyed once, however often sending fails", async () => {
    const outbox = await fixture("relay_survey_once");
    const wallet = uuidv7();
    let reachable = false;
    let broken = true;
    const connect = async (deadline_ms: number): Promise<Producer> => {
      if (!reachable) throw new Error("the broker is gone");
      const producer = await connectProducer(outbox.kafka, deadline_ms);
      return wrapped(producer, (send) => (broken ? Promise.reject(new Error("the disk is full")) : send()));
    };
    const publisher = new Publisher(outbox.relayOptions({ connectProducer: connect }));
    const takeSurveyAway = () => outbox.sql`alter function survey_outbox rename to survey_outbox_taken_away`;
    const giveSurveyBack = () => outbox.sql`alter function survey_outbox_taken_away rename to survey_outbox`;

    await outbox.write(wallet, 1, 3);
    await takeSurveyAway();
    await expect(publisher.runOnce(running)).rejects.toThrow("the broker is gone");
    await giveSurveyBack();
    reachable = true;
    await expect(publisher.runOnce(running)).rejects.toThrow("the disk is full");
    await takeSurveyAway();
    await expect(publisher.runOnce(running)).rejects.toThrow("the disk is full");
    await outbox.write(wallet, 4, 2);
    broken = false;
    await publisher.runOnce(running);
    expect((await published(outbox)).map(({ version }) => version)).toEqual([1, 2, 3]);

    // What came meanwhile is found by the next survey.
    await giveSurveyBack();
    await publisher.runOnce(running);
    await publisher.close();
    expect((await published(outbox)).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("a batch is never too large for the broker", () => {
  test("a thousand of the largest events of one wallet arrive", async () => {
    const outbox = await fixture("relay_bytes");
    const wallet = uuidv7();
    await outbox.sql`
      insert into outbox (event_id, aggregate_id, type, payload)
      select gen_random_uuid(), ${wallet}, 'WALLET_FUNDED', json_build_object('wallet_id', ${wallet}::text,
               'wallet_version', version, 'description', repeat('💶', 355), 'occurred_at', '2026-01-31T09:30:00.000000Z')
        from generate_series(1, 1500) version order by version`;
    const relay = relayOn(outbox);
    await until(async () => (await relay.backlog()).events === 0);
    const { reached, repetitions } = inOrderButForRepetitions(await published(outbox));
    expect(reached.get(wallet)).toBe(1_500);
    expect(repetitions).toBe(0);
  });
});

describe("one relay publishes at a time", () => {
  test("a second one follows, and goes on at once when the first gives the lease back", async () => {
    const outbox = await fixture("relay_two");
    const first = startRelay(outbox.relayOptions());
    await until(() => first.status().standing === "leader");
    const second = relayOn(outbox);
    await until(() => second.status().standing === "follower");
    await outbox.write(uuidv7(), 1);
    await until(async () => (await second.backlog()).events === 0);
    expect(second.status().published).toBe(0);
    await first.stop(2_000);
    const stopped_at = performance.now();
    await outbox.write(uuidv7(), 1);
    await until(() => second.status().published === 1);
    expect(performance.now() - stopped_at).toBeLessThan(1_500);
  });

  test("one that has failed, and finds that another publishes by now, follows and complains no more", async () => {
    const outbox = await fixture("relay_failed");
    await outbox.write(uuidv7(), 1);
    let time = 0;
    const connectProducer = () => Promise.reject(new Error("the broker is gone"));
    const failed = new Publisher(outbox.relayOptions({ connectProducer, now: () => time }));
    await expect(failed.runOnce(running)).rejects.toThrow("the broker is gone");
    expect(failed.status()).toMatchObject({ standing: "leader", last_error: "the broker is gone" });
    time += 60_000;
    await outbox.sql`update relay_state set epoch = epoch + 1, holder = 'another', lease_until = now() + interval '30 s'`;
    await failed.runOnce(running);
    expect(failed.status()).toMatchObject({ standing: "follower", last_error: null });
    await failed.close();
  });
});

/** The producer with another way of sending. */
function wrapped(producer: Producer, send: (really: () => Promise<void>) => Promise<void>): Producer {
  return {
    get usable() {
      return producer.usable;
    },
    send: (...sent) => send(() => producer.send(...sent)),
    close: () => producer.close(),
  };
}
