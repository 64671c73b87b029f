/** An outbox with events in it, a relay on it, and what then stands in the topic: for the tests of relay and consumer. */
import { Kafka, logLevel } from "kafkajs";
import pino from "pino";
import postgres from "postgres";
import { connectFunctions } from "../shared/database.ts";
import { connectProducer, type KafkaSettings } from "../shared/kafka.ts";
import type { RelayOptions } from "../shared/relay.ts";
import { cluster, createDatabase, createTopics, until } from "./cluster.ts";

export const silent = pino({ level: "silent" });

export interface OutboxFixture {
  url: string;
  topic: string;
  /** As the owner, in the schema `wallet`. */
  sql: postgres.Sql;
  kafka: KafkaSettings;
  relayOptions(overrides?: Partial<RelayOptions>): RelayOptions;
  /** Writes the wallet's next events in one transaction each, on the given connection. */
  write(wallet: string, from_version: number, count?: number, on?: postgres.Sql): Promise<void>;
  drop(): Promise<void>;
}

/** A database and a topic of their own. */
export async function outboxFixture(label: string): Promise<OutboxFixture> {
  const [{ kafka_brokers }, database, topics] = await Promise.all([
    cluster(),
    createDatabase(label),
    createTopics(label),
  ]);
  const sql = connectAs(database.url);
  const kafka: KafkaSettings = { brokers: kafka_brokers, ssl: false, sasl: null, clientId: label, log: silent };
  return {
    url: database.url,
    topic: topics.wallet_topic,
    sql,
    kafka,
    relayOptions: (overrides) => ({
      connect: () => connectFunctions(database.url, { service: "wallet", purpose: "relay", max: 2 }),
      connectProducer: (deadline_ms) => connectProducer(kafka, deadline_ms),
      topic: topics.wallet_topic,
      source: "urn:wallet:wallet-service",
      holder: crypto.randomUUID(),
      log: silent,
      ...overrides,
    }),
    write: (wallet, from_version, count = 1, on = sql) => writeEvents(on, wallet, from_version, count),
    async drop() {
      await sql.end({ timeout: 1 });
      await database.drop();
    },
  };
}

/** A pool of the owner's, for writers that hold transactions open. */
export function connectAs(url: string, max = 10): postgres.Sql {
  return postgres(url, { max, onnotice: () => undefined, connection: { search_path: "wallet" } });
}

async function writeEvents(sql: postgres.Sql, wallet: string, from: number, count: number): Promise<void> {
  await sql`
    insert into outbox (event_id, aggregate_id, type, payload)
    select gen_random_uuid(), ${wallet}, 'WALLET_FUNDED', json_build_object(
             'wallet_id', ${wallet}::text, 'wallet_version', version, 'occurred_at', '2026-01-31T09:30:00.000000Z')
      from generate_series(${from}::int, ${from + count - 1}::int) version order by version`;
}

export interface Published {
  partition: number;
  offset: number;
  wallet: string;
  version: number;
}

/** All that is in the topic now, partition by partition in the order of their offsets. */
export async function published({ kafka, topic }: Pick<OutboxFixture, "kafka" | "topic">): Promise<Published[]> {
  const client = new Kafka({ brokers: [...kafka.brokers], clientId: "test-reader", logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const expected = ends.reduce((sum, { high }) => sum + Number(high), 0);
  if (expected === 0) return [];
  const found: Published[] = [];
  const consumer = client.consumer({ groupId: `test-reader-${crypto.randomUUID()}`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const { wallet_id, wallet_version } = JSON.parse(message.value!.toString());
      found.push({ partition, offset: Number(message.offset), wallet: wallet_id, version: wallet_version });
    },
  });
  await until(() => found.length >= expected, { timeout_ms: 30_000, what: `${expected} messages are read` });
  await consumer.disconnect();
  return found.sort((one, other) => one.partition - other.partition || one.offset - other.offset);
}

/**
 * What the topic owes its readers: of each wallet the versions 1, 2, 3 … as their first occurrences. What is not new is
 * a repetition. Gives the versions reached, and the number of repetitions; throws where a version was overtaken.
 */
export function inOrderButForRepetitions(messages: readonly Published[]): {
  reached: Map<string, number>;
  repetitions: number;
} {
  const reached = new Map<string, number>();
  let repetitions = 0;
  for (const { wallet, version } of messages) {
    const before = reached.get(wallet) ?? 0;
    if (version > before + 1) throw new Error(`version ${version} of ${wallet} came right after ${before}`);
    if (version === before + 1) reached.set(wallet, version);
    else repetitions++;
  }
  return { reached, repetitions };
}
