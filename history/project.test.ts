import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type OutgoingMessage, SOURCES, toMessage } from "../shared/cloudevents.ts";
import { type Consumer, createConsumer } from "../shared/consumer.ts";
import type { WalletEvent } from "../shared/events.ts";
import { createMetrics } from "../shared/http/metrics.ts";
import { uuidv7 } from "../shared/ids.ts";
import { connectProducer, type KafkaSettings, type Producer } from "../shared/kafka.ts";
import { cluster, createTopics, type TestTopics, until } from "../test/cluster.ts";
import { createLag } from "./lag.ts";
import { createProject } from "./project.ts";
import { startHistory, type TestHistory, tellWallet } from "./testing.ts";

let history: TestHistory;
let topics: TestTopics;
let kafka: KafkaSettings;
let producer: Producer;
let consumers: Consumer[];

const SEND_DEADLINE_MS = 10_000;
const metrics = createMetrics("history");

beforeAll(async () => {
  history = await startHistory("history_project");
  topics = await createTopics("history project");
  const { kafka_brokers: brokers } = await cluster();
  kafka = { brokers, ssl: false, sasl: null, clientId: "test", log: history.log };
  producer = await connectProducer(kafka, SEND_DEADLINE_MS);
  const { sql, log } = history;
  const handle = createProject({ sql, log, metrics, onStored: () => undefined, onDecided: () => undefined });
  // Two members of one group: the partitions are handed over while the first tests run.
  consumers = [1, 2].map(() =>
    createConsumer({ kafka, topic: topics.wallet_topic, groupId: topics.group_id, handle, log }),
  );
  for (const consumer of consumers) consumer.start();
});
afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop(3_000)));
  await producer.close();
  await history.stop();
});

const messageOf = (event: WalletEvent): OutgoingMessage =>
  toMessage(
    {
      event_id: event.id,
      aggregate_id: event.wallet_id,
      type: event.type,
      payload: JSON.stringify(event),
      traceparent: null,
    },
    SOURCES.wallet,
  );

const send = (messages: readonly OutgoingMessage[]) => producer.send(topics.wallet_topic, messages, SEND_DEADLINE_MS);

async function versionsOf(wallet_id: string): Promise<number[]> {
  const { body } = await history.get(`/wallets/${wallet_id}/history?order=asc&limit=200`);
  return body.items?.map((item) => item.wallet_version) ?? [];
}

const arrived = (wallet_id: string, versions: number[]) =>
  until(async () => Bun.deepEquals(await versionsOf(wallet_id), versions), {
    timeout_ms: 30_000,
    what: `versions ${versions.join()} arrive`,
  });

interface DeadLetter {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value_base64: string | null;
  readonly headers: Record<string, string>;
  readonly reason: string;
}

async function deadLetters(): Promise<DeadLetter[]> {
  const { body } = await history.get("/dead-letters?limit=200");
  return body.items as unknown as DeadLetter[];
}

/** The dead letter with exactly this value. */
const buried = (value: string) => {
  const bytes = Buffer.from(value).toString("base64");
  return until(async () => (await deadLetters()).find(({ value_base64 }) => value_base64 === bytes), {
    timeout_ms: 20_000,
  });
};

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe("what is on the topic is in the history", () => {
  test("the events of many wallets, complete and in order, byte for byte", async () => {
    const wallets = Array.from({ length: 20 }, () => tellWallet());
    const stories = wallets.map((wallet) => wallet.story(30));
    await send(upTo(30).flatMap((version) => stories.map((story) => messageOf(story[version - 1]!))));
    for (const [at, { wallet_id }] of wallets.entries()) {
      await arrived(wallet_id, upTo(30));
      const { body } = await history.get(`/wallets/${wallet_id}/history?order=asc&limit=200`);
      expect(body.items?.map((item) => item.event_data)).toEqual(stories[at]!);
    }
    expect(await history.queries.countGaps()).toBe(0);
  });

  test("messages that are sent again and in any order are stored once", async () => {
    const wallet = tellWallet();
    const story = wallet.story(6).map(messageOf);
    const order = [1, 0, 3, 3, 2, 1, 5, 4, 0, 5];
    for (const at of order) await send([story[at]!]);
    await send(story);
    await arrived(wallet.wallet_id, upTo(6));
    expect(await history.queries.countGaps()).toBe(0);
  });

  test("a version that is missing is a gap until it comes", async () => {
    const wallet = tellWallet();
    const [one, two, three] = wallet.story(3).map(messageOf);
    await send([one!, three!]);
    await arrived(wallet.wallet_id, [1, 3]);
    expect(await history.queries.countGaps()).toBe(1);
    await send([two!]);
    await arrived(wallet.wallet_id, [1, 2, 3]);
    expect(await history.queries.countGaps()).toBe(0);
  });
});

describe("a message that cannot be applied stands alone", () => {
  const broken: [string, (message: OutgoingMessage, event: WalletEvent) => OutgoingMessage, RegExp][] = [
    ["that is no JSON", (message) => ({ ...message, value: `{"not: json ${uuidv7()}` }), /not JSON/],
    [
      "of an unknown type",
      (message, event) => ({ ...message, value: JSON.stringify({ ...event, type: "WALLET_STOLEN" }) }),
      /no event/,
    ],
    [
      "of the other topic",
      (message, event) => ({ ...message, value: JSON.stringify({ ...event, type: "LEDGER_SUCCESS" }) }),
      /event/,
    ],
    [
      "whose amount has five decimals",
      (message, event) => ({ ...message, value: JSON.stringify({ ...event, amount: "1.00000" }) }),
      /\/amount/,
    ],
    ["whose key is another wallet's", (message) => ({ ...message, key: uuidv7() }), /key/],
    [
      "whose header contradicts it",
      (message) => ({ ...message, headers: { ...message.headers, ce_id: uuidv7() } }),
      /ce_id/,
    ],
    [
      "whose user id is too long",
      (message, event) => ({ ...message, value: JSON.stringify({ ...event, user_id: "x".repeat(101) }) }),
      /^22001/,
    ],
    [
      "with a NUL",
      (message, event) => ({ ...message, value: JSON.stringify({ ...event, description: "a\0b" }) }),
      /^22P05/,
    ],
    [
      "at a time that does not exist",
      (message, event) => ({
        ...message,
        value: JSON.stringify({ ...event, occurred_at: "2026-02-30T00:00:00.000000Z" }),
      }),
      /^22008/,
    ],
    [
      "that is nested too deeply",
      (message, event) => ({
        ...message,
        value: `${JSON.stringify(event).slice(0, -1)},"x":${"[".repeat(40_000)}${"]".repeat(40_000)}}`,
      }),
      /^54001/,
    ],
    [
      "with half a character",
      (message, event) => ({
        ...message,
        value: JSON.stringify({ ...event, description: "-" }).replace('"-"', '"\\ud800"'),
      }),
      /^22P02/,
    ],
  ];

  test.each(broken)("one %s goes to the dead letters, its neighbours are stored", async (_, damage, reason) => {
    const [wallet, neighbour] = [tellWallet(), tellWallet()];
    const [one, two, three] = wallet.story(3);
    const bad = damage(messageOf(two!), two!);
    await send([messageOf(one!), ...neighbour.story(20).map(messageOf), bad, messageOf(three!)]);
    await arrived(wallet.wallet_id, [1, 3]);
    await arrived(neighbour.wallet_id, upTo(20));
    const letter = await buried(bad.value);
    expect(letter.reason).toMatch(reason);
    expect(letter).toMatchObject({ topic: topics.wallet_topic, key: bad.key, headers: bad.headers, replayed_at: null });
    expect((await history.get(`/dead-letters/${letter.id}`)).body).toEqual({ ...letter });
    // The event as it should have been closes the gap.
    await send([messageOf(two!)]);
    await arrived(wallet.wallet_id, [1, 2, 3]);
  });

  test("another event under a version that is taken is not swallowed", async () => {
    const wallet = tellWallet();
    const story = wallet.story(3);
    const impostor = { ...story[1]!, id: uuidv7() };
    await send(story.map(messageOf));
    await arrived(wallet.wallet_id, [1, 2, 3]);
    await send([messageOf(impostor), messageOf(wallet.funded())]);
    const letter = await buried(JSON.stringify(impostor));
    expect(letter.reason).toStartWith("conflicting_version");
    await arrived(wallet.wallet_id, upTo(4));
    const { body } = await history.get(`/wallets/${wallet.wallet_id}/history?order=asc`);
    expect(body.items?.[1]?.id).toBe(story[1]!.id);
  });

  test("another content under an event's id is not swallowed", async () => {
    const wallet = tellWallet();
    const [one, two] = wallet.story(2);
    const forged = { ...two!, amount: "2.0000" };
    await send([one!, two!, forged].map(messageOf));
    expect((await buried(JSON.stringify(forged))).reason).toStartWith("conflicting_event");
    await arrived(wallet.wallet_id, [1, 2]);
  });
});

describe("the operator sees", () => {
  test("dead letters page by page, newest first; an unknown one is 404", async () => {
    const all = await deadLetters();
    expect(all.length).toBeGreaterThan(10);
    const first = await history.get("/dead-letters?limit=3");
    const second = await history.get(`/dead-letters?limit=200&cursor=${first.body.next_cursor}`);
    const ids = [...(first.body.items ?? []), ...(second.body.items ?? [])].map(({ id }) => id);
    expect(ids).toEqual(all.map(({ id }) => id));
    expect((await history.get(`/dead-letters/${uuidv7()}`)).body.code).toBe("not_found");
    expect((await history.get("/dead-letters/1")).status).toBe(400);
    expect((await history.get("/dead-letters?cursor=x")).body.code).toBe("invalid_cursor");
  });

  test("what became of the messages, in the metrics", async () => {
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/history_messages_total\{outcome="dead_letter".*\} 1\d/);
    expect(text).toMatch(/history_messages_total\{outcome="duplicate".*\} \d+/);
    expect(text).toMatch(/history_messages_total\{outcome="stored".*\} \d{3}/);
  });

  test("the lag, in events and in seconds, for each partition", async () => {
    const { queries } = history;
    const lagOf = (now: () => number) =>
      createLag({ kafka, topic: topics.wallet_topic, groupId: topics.group_id, queries, now })();
    const level = await until(async () => {
      const lag = await lagOf(Date.now);
      return lag.lag === 0 && lag;
    });
    expect(level.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(level).toMatchObject({ lag_seconds: 0, gaps: 0, dead_letters: (await deadLetters()).length });
    await Promise.all(consumers.map((consumer) => consumer.stop(3_000)));
    const sent = performance.now();
    const messages = tellWallet().story(3).map(messageOf);
    await send(messages);
    const behind = await until(async () => {
      const lag = await lagOf(Date.now);
      return lag.lag === 3 && lag;
    });
    expect(behind.partitions.filter(({ lag }) => lag > 0)).toHaveLength(1);
    expect(behind.lag_seconds).toBeLessThan((performance.now() - sent) / 1_000 + 0.2);
    const { lag_seconds } = await lagOf(() => Date.now() + 3_600_000);
    expect(lag_seconds).toBeWithin(3_600 * 0.9, 3_600 * 1.15);
  });

  test("that the lag cannot be measured without the broker, within a second or so", async () => {
    const away = createLag({
      kafka: { ...kafka, brokers: ["127.0.0.1:1"] },
      topic: topics.wallet_topic,
      groupId: topics.group_id,
      queries: history.queries,
      now: Date.now,
    });
    const started = performance.now();
    expect(await away().catch((error: unknown) => error)).toMatchObject({ problem: "unavailable" });
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});
