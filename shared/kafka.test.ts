import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Server } from "node:net";
import { cluster, createTopics } from "../test/cluster.ts";
import { startBrokerProxy } from "../test/proxy.ts";
import { connectProducer, createConsumerClient, type KafkaSettings, withAdmin } from "./kafka.ts";
import { createLog } from "./log.ts";

/** A broker that takes connections, and whatever is asked, and never says a word. */
let silent: Server;
let settings: KafkaSettings;

beforeAll(async () => {
  silent = createServer((socket) => socket.on("error", () => undefined).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const log = createLog({ service: "test", level: "silent", pretty: false });
  settings = { brokers: [`127.0.0.1:${port}`], ssl: false, sasl: null, clientId: "test", log };
});

afterAll(() => silent.close());

/** Connections that are open, once those that were closed are gone. */
const connections = () =>
  new Promise<number>((resolve) => silent.getConnections((_, count) => setTimeout(resolve, 50, count)));

async function timed(work: Promise<unknown>): Promise<{ readonly failed: boolean; readonly took_ms: number }> {
  const started = performance.now();
  const failed = await work.then(
    () => false,
    () => true,
  );
  return { failed, took_ms: performance.now() - started };
}

describe.each([
  ["in the clear", {}],
  ["under TLS, which it does not speak", { ssl: true }],
])("a broker that has gone silent is not waited for, %s", (_, more) => {
  const DEADLINE_MS = 500;
  /** A goodbye that is not answered takes its own two seconds. */
  const CLOSE_MS = 2_000;

  test("by a producer", async () => {
    const { failed, took_ms } = await timed(connectProducer({ ...settings, ...more }, DEADLINE_MS));
    expect(failed).toBe(true);
    expect(took_ms).toBeLessThan(DEADLINE_MS + 500);
  });

  test("by questions of an operator", async () => {
    const { failed, took_ms } = await timed(
      withAdmin({ ...settings, ...more }, DEADLINE_MS, (admin) => admin.listTopics()),
    );
    expect(failed).toBe(true);
    expect(took_ms).toBeLessThan(DEADLINE_MS + CLOSE_MS + 500);
  });

  test("by a consumer that leaves", async () => {
    const client = createConsumerClient({ ...settings, ...more }, { groupId: "test" });
    const connecting = client.consumer.connect().catch(() => undefined);
    const { took_ms } = await timed(client.close(DEADLINE_MS));
    expect(took_ms).toBeLessThan(DEADLINE_MS + 500);
    await connecting;
  });

  test("and no connection to it stays open", async () => {
    expect(await connections()).toBe(0);
  });
});

describe("a producer whose broker falls silent in mid-send", () => {
  test("fails within its deadline and is not used again; the next one sends", async () => {
    const { kafka_brokers } = await cluster();
    const { wallet_topic } = await createTopics("silent broker");
    const proxy = await startBrokerProxy(Number(kafka_brokers[0]?.split(":")[1]));
    const through = { ...settings, brokers: [`127.0.0.1:${proxy.port}`] };
    const message = { key: "k", value: "v", headers: {} };
    const producer = await connectProducer(through, 10_000);
    await producer.send(wallet_topic, [message], 10_000);
    proxy.blackHole();
    const { failed, took_ms } = await timed(producer.send(wallet_topic, [message], 500));
    expect([failed, producer.usable]).toEqual([true, false]);
    expect(took_ms).toBeLessThan(1_500);
    const next = await connectProducer(through, 10_000);
    await next.send(wallet_topic, [message], 10_000);
    await Promise.all([producer.close(), next.close()]);
    proxy.close();
  });
});
