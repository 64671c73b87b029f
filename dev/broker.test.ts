import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectProducer, type KafkaSettings, withAdmin } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { startBroker } from "./broker.ts";
import { createTopics } from "./create-topic.ts";
import { kafkaLibs } from "./kafka-libs.ts";
import { identify } from "./processes.ts";

const DEADLINE_MS = 20_000;
const folder = mkdtempSync(join(tmpdir(), "broker-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the local broker", () => {
  test("keeps its events and its port through a kill -9", async () => {
    const libsDir = await kafkaLibs(join(import.meta.dir, "../.data/kafka"), () => undefined);
    const first = await startBroker({ dataDir: folder, libsDir });
    const log = createLog({ service: "test", level: "silent", pretty: false });
    const kafka: KafkaSettings = { brokers: [first.brokers], ssl: false, sasl: null, clientId: "broker-test", log };
    await createTopics(kafka, ["kept"], null);
    const producer = await connectProducer(kafka, DEADLINE_MS);
    await producer.send("kept", [{ key: "a", value: "b", headers: {} }], DEADLINE_MS);
    await producer.close();
    await first.kill();

    const second = await startBroker({ dataDir: folder, libsDir });
    expect(second.brokers).toBe(first.brokers);
    const offsets = await withAdmin(kafka, DEADLINE_MS, (admin) => admin.fetchTopicOffsets("kept"));
    expect(offsets.map(({ high }) => Number(high)).reduce((a, b) => a + b)).toBe(1);
    await second.stop();
    expect(identify(second.pid)).toBeNull();
  });
});
