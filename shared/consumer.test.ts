import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startBroker } from "../dev/broker.ts";
import { createTopics as makeTopics } from "../dev/create-topic.ts";
import { kafkaLibs } from "../dev/kafka-libs.ts";
import { record } from "../dev/processes.ts";
import { cluster, clusterFolder, createTopics, until } from "../test/cluster.ts";
import { silent } from "../test/outbox.ts";
import { type Consumer, type ConsumerOptions, createConsumer } from "./consumer.ts";
import { connectProducer, type KafkaSettings } from "./kafka.ts";
import { groupOffsets } from "./topics.ts";

let kafka: KafkaSettings;
const consumers: Consumer[] = [];

beforeAll(async () => {
  const { kafka_brokers } = await cluster();
  kafka = { brokers: kafka_brokers, ssl: false, sasl: null, clientId: "consumer-test", log: silent };
});
afterAll(() => Promise.all(consumers.map((consumer) => consumer.stop(1_000))));

/** Sends 0, 1, 2 … each under a key of its own number; again, with another client, where the broker is not ready. */
async function send(topic: string, count: number, from = 0, to = kafka): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({
    key: String(from + index),
    value: String(from + index),
    headers: {},
  }));
  await until(
    async () => {
      const producer = await connectProducer(to, 5_000);
      await producer.send(topic, messages, 5_000);
      await producer.close();
      return true;
    },
    { timeout_ms: 20_000, what: `${count} messages are sent` },
  );
}

/** A consumer that keeps what it is given. */
function reading(topic: string, groupId: string, overrides: Partial<ConsumerOptions> = {}) {
  const seen: string[] = [];
  const consumer = createConsumer({
    kafka,
    topic,
    groupId,
    log: silent,
    handle: async (messages) => {
      seen.push(...messages.map(({ value }) => value?.toString() ?? ""));
    },
    ...overrides,
  });
  consumers.push(consumer);
  consumer.start();
  return { consumer, seen };
}

const distinct = (seen: readonly string[]) => new Set(seen).size;

describe("a group reads all of a topic", () => {
  test("from the beginning, and after a stop from where it was", async () => {
    const { wallet_topic: topic, group_id } = await createTopics("consumer_offsets");
    await send(topic, 50);
    const first = reading(topic, group_id);
    await until(() => first.seen.length === 50);
    await first.consumer.stop(5_000);
    expect(first.consumer.state()).toMatchObject({ status: "stopped", applied: 50, last_error: null });
    const offsets = await groupOffsets(kafka, topic, group_id);
    expect(offsets).toHaveLength(6);
    expect(
      offsets.filter(({ end_offset }) => end_offset !== "0").map(({ committed_offset }) => committed_offset),
    ).toEqual(offsets.filter(({ end_offset }) => end_offset !== "0").map(({ end_offset }) => end_offset));
    await send(topic, 10, 50);
    const next = reading(topic, group_id);
    await until(() => next.seen.length === 10);
    expect(next.consumer.state()).toMatchObject({ status: "running", lag: 0, partitions: [0, 1, 2, 3, 4, 5] });
    expect(distinct([...first.seen, ...next.seen])).toBe(60);
  });

  test("that does not exist yet", async () => {
    const topic = `consumer-later-${crypto.randomUUID()}`;
    const { consumer, seen } = reading(topic, topic);
    await until(() => consumer.state().last_error);
    expect(consumer.state().status).toBe("waiting");
    await makeTopics(kafka, [topic], 1);
    await send(topic, 1);
    await until(() => seen.length > 0);
    expect(consumer.state()).toMatchObject({ status: "running", last_error: null });
  });

  test("shared by its members, and one that leaves is replaced at once", async () => {
    const { wallet_topic: topic, group_id } = await createTopics("consumer_members");
    const one = reading(topic, group_id);
    await until(() => one.consumer.state().partitions.length === 6);
    const other = reading(topic, group_id);
    await until(() => one.consumer.state().partitions.length === 3 && other.consumer.state().partitions.length === 3);
    await one.consumer.stop(5_000);
    await until(() => other.consumer.state().partitions.length === 6, { timeout_ms: 3_000 });
  });
});

describe("a batch counts only when it is applied", () => {
  test("one that fails comes again", async () => {
    const { wallet_topic: topic, group_id } = await createTopics("consumer_fails");
    await send(topic, 20);
    let failures = 0;
    const seen: string[] = [];
    const { consumer } = reading(topic, group_id, {
      handle: async (messages) => {
        if (failures++ < 3) throw new Error("not now");
        seen.push(...messages.map(({ value }) => value?.toString() ?? ""));
      },
    });
    await until(() => distinct(seen) === 20);
    await until(() => consumer.state().last_error === null);
  });

  test("a stop lets the one at work end, and no longer than it may", async () => {
    const { wallet_topic: topic, group_id } = await createTopics("consumer_stop");
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    let told = false;
    const polite = reading(topic, group_id, {
      handle: async (_, { signal }) => {
        enter();
        await until(() => signal.aborted);
        told = true;
      },
    });
    await send(topic, 1);
    await entered;
    await polite.consumer.stop(5_000);
    expect(told).toBe(true);
    expect((await groupOffsets(kafka, topic, group_id)).some(({ committed_offset }) => committed_offset === "1")).toBe(
      true,
    );

    const started = performance.now();
    const deaf = reading(topic, `${group_id}-deaf`, { handle: () => new Promise(() => undefined) });
    await until(() => deaf.consumer.state().status === "running");
    await deaf.consumer.stop(200);
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  test("headers can be stored, whatever they hold", async () => {
    const { wallet_topic: topic, group_id } = await createTopics("consumer_headers");
    const producer = await connectProducer(kafka, 5_000);
    await producer.send(topic, [{ key: "k", value: "v", headers: { plain: "é", odd: "a\0b" } }], 5_000);
    await producer.close();
    let headers: unknown;
    reading(topic, group_id, {
      handle: async ([message]) => {
        headers = message?.headers;
      },
    });
    await until(() => headers);
    expect(headers).toEqual({ plain: "é", odd: "a\uFFFDb" });
  });
});

describe("a broker that is killed and comes back", () => {
  test("is read again within 10 s", async () => {
    // Below the run's folder and known to it, so that it ends with the run even if this test fails.
    const run = await clusterFolder();
    const folder = join(run, "broker-to-kill");
    const known = () => record(join(run, "services", `${broker.pid}.json`), broker.pid);
    const libsDir = await kafkaLibs(join(import.meta.dir, "../.data/kafka"), () => undefined);
    let broker = await startBroker({ dataDir: folder, libsDir });
    known();
    const own: KafkaSettings = { ...kafka, brokers: [broker.brokers] };
    await makeTopics(own, ["t"], 1);
    const { consumer, seen } = reading("t", "g", { kafka: own });
    await send("t", 10, 0, own);
    await until(() => seen.length >= 10);
    await broker.kill();
    broker = await startBroker({ dataDir: folder, libsDir, port: broker.port });
    known();
    const back_at = performance.now();
    await send("t", 1, 10, own);
    await until(() => seen.includes("10"), { timeout_ms: 30_000 });
    const took_ms = performance.now() - back_at;
    await consumer.stop(1_000);
    await broker.kill();
    expect(took_ms).toBeLessThan(10_000);
  });
});

describe("a consumer that is stuck is replaced", () => {
  test("by another client, which gets the batch again", async () => {
    const { wallet_topic, group_id } = await createTopics("stuck");
    const applied: string[] = [];
    let hangs = true;
    const { consumer } = reading(wallet_topic, group_id, {
      handle: async (messages) => {
        if (hangs) {
          hangs = false;
          await new Promise(() => undefined);
        }
        applied.push(...messages.map(({ value }) => value?.toString() ?? ""));
      },
    });
    await send(wallet_topic, 1);
    await until(() => !hangs, { what: "the first batch hangs" });
    // Ten seconds without a sign of life, and the time in which the broker still waits for the member that was given up.
    await until(() => applied.includes("0"), { timeout_ms: 40_000 });
    expect(consumer.state().status).toBe("running");
    await consumer.stop(1_000);
  });
});
