import { describe, expect, test } from "bun:test";
import { ConfigResourceTypes, type KafkaSettings, withAdmin } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { cluster } from "../test/cluster.ts";
import { createTopics, PARTITIONS } from "./create-topic.ts";
import { messageOf } from "./setup-error.ts";

const DEADLINE_MS = 20_000;

async function settings(): Promise<KafkaSettings> {
  const log = createLog({ service: "test", level: "silent", pretty: false });
  return { brokers: (await cluster()).kafka_brokers, ssl: false, sasl: null, clientId: "create-topic-test", log };
}

function newName(): string {
  return `made-${crypto.randomUUID()}`;
}

function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "no failure", messageOf);
}

async function configOf(kafka: KafkaSettings, topic: string): Promise<Record<string, string>> {
  return withAdmin(kafka, DEADLINE_MS, async (admin) => {
    const { resources } = await admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
      includeSynonyms: false,
    });
    return Object.fromEntries(resources[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]));
  });
}

describe("the topics are the archive", () => {
  test("nothing is dropped from them, and a wallet's events stay in one of six partitions", async () => {
    const kafka = await settings();
    const topic = newName();
    await createTopics(kafka, [topic], null);
    expect(await configOf(kafka, topic)).toMatchObject({ "cleanup.policy": "delete", "retention.ms": "-1" });
    const [found] = await withAdmin(
      kafka,
      DEADLINE_MS,
      async (admin) => (await admin.fetchTopicMetadata({ topics: [topic] })).topics,
    );
    expect(found?.partitions).toHaveLength(PARTITIONS);
    await createTopics(kafka, [topic], null);
  });

  test("a topic that would drop events is mended, and keeps its other settings", async () => {
    const kafka = await settings();
    const topic = newName();
    const configEntries = [
      { name: "retention.ms", value: "60000" },
      { name: "max.message.bytes", value: "2000000" },
    ];
    await withAdmin(kafka, DEADLINE_MS, (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }], waitForLeaders: false }),
    );
    await createTopics(kafka, [topic], null);
    expect(await configOf(kafka, topic)).toMatchObject({ "retention.ms": "-1", "max.message.bytes": "2000000" });
  });

  test("a topic with another number of partitions is refused", async () => {
    const kafka = await settings();
    const topic = newName();
    await withAdmin(kafka, DEADLINE_MS, (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: false }),
    );
    expect(await failure(createTopics(kafka, [topic], null))).toContain("has 3 partitions instead of 6");
  });

  test("more replicas than brokers are refused by the broker", async () => {
    expect(await failure(createTopics(await settings(), [newName()], 3))).toMatch(/replication/i);
  });
});
