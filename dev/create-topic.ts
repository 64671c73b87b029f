/** `bun run create-topic`: makes the two topics, or checks those that are there. Repeatable. */
import { type Admin, ConfigResourceTypes, type KafkaSettings, withAdmin } from "../shared/kafka.ts";
import { messageOf, SetupError } from "./setup-error.ts";

/**
 * All events of a wallet go to one partition, so this many are projected side by side. It cannot be changed later
 * without breaking the order of a wallet's events: keys would move to other partitions.
 */
export const PARTITIONS = 6;
/** Three survive the loss of one broker while another is being replaced. */
const REPLICAS_WANTED = 3;
const DEADLINE_MS = 30_000;
const POLL_MS = 50;
/** The topic is the archive that the history is rebuilt from: nothing is ever dropped. */
const CONFIG = { "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1" };
/** A setting of the topic's own, as against a default, in the protocol's DescribeConfigs. */
const TOPIC_CONFIG_SOURCE: number = 1;

/**
 * Makes the topics that are missing, and brings the retention of the others to what it must be.
 * `replicas` null: three, or as many as there are brokers. Throws SetupError for another number of partitions.
 */
export async function createTopics(
  kafka: KafkaSettings,
  topics: readonly string[],
  replicas: number | null,
): Promise<void> {
  await withAdmin(kafka, DEADLINE_MS, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic));
    if (missing.length > 0) await create(admin, missing, replicas);
    await allHaveLeaders(admin, topics);
    await until(async () => (await keepForever(admin, topics)) === 0);
  });
}

async function create(admin: Admin, topics: readonly string[], replicas: number | null): Promise<void> {
  const { brokers } = await admin.describeCluster();
  const replicationFactor = replicas ?? Math.min(REPLICAS_WANTED, brokers.length);
  // An acknowledged event is on a majority of the replicas.
  const majority = String(Math.floor(replicationFactor / 2) + 1);
  const config = replicationFactor < 3 ? CONFIG : { ...CONFIG, "min.insync.replicas": majority };
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const wanted = topics.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor, configEntries }));
  await admin.createTopics({ topics: wanted, waitForLeaders: false }).catch((error: unknown) => {
    // The library collects the broker's words, one error per topic, below a message that says nothing.
    const causes = hasErrors(error) ? error.errors : [error];
    throw new SetupError(`The broker does not make the topics: ${[...new Set(causes.map(messageOf))].join("; ")}`);
  });
}

function hasErrors(error: unknown): error is { errors: unknown[] } {
  return typeof error === "object" && error !== null && "errors" in error && Array.isArray(error.errors);
}

/** Resolves when each partition takes messages. A topic that was just made is unknown for a moment. */
async function allHaveLeaders(admin: Admin, names: readonly string[]): Promise<void> {
  await until(async () => {
    const found = await admin.fetchTopicMetadata({ topics: [...names] });
    for (const { name, partitions } of found.topics) {
      if (partitions.length !== PARTITIONS && partitions.every(({ leader }) => leader >= 0)) {
        throw new SetupError(
          `The topic ${name} has ${partitions.length} partitions instead of ${PARTITIONS}, and changing that would break the order of a wallet's events: name another with KAFKA_TOPIC or KAFKA_LEDGER_TOPIC, or delete it if its events are not needed`,
        );
      }
    }
    const partitions = found.topics.flatMap((topic) => topic.partitions);
    const led = partitions.length === names.length * PARTITIONS && partitions.every(({ leader }) => leader >= 0);
    return led && (await takeMessages(admin, names));
  });
}

/** Looks until the answer is yes. What the broker refuses meanwhile is asked again, until the deadline. */
async function until(look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      if (await look()) return;
    } catch (error) {
      if (error instanceof SetupError || performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) throw new SetupError("The broker does not make the topics ready in time");
    await Bun.sleep(POLL_MS);
  }
}

/** The metadata names a leader a moment before that broker knows of itself; until then it refuses to answer. */
function takeMessages(admin: Admin, names: readonly string[]): Promise<boolean> {
  return Promise.all(names.map((name) => admin.fetchTopicOffsets(name))).then(
    () => true,
    () => false,
  );
}

/** Asks for the retention where it is not what it must be, and says for how many topics: the broker takes a moment to know it. */
async function keepForever(admin: Admin, topics: readonly string[]): Promise<number> {
  let asked = 0;
  const { resources } = await admin.describeConfigs({
    resources: topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
    includeSynonyms: false,
  });
  for (const { resourceName, configEntries } of resources) {
    const value = new Map(configEntries.map((entry) => [entry.configName, entry.configValue]));
    if (Object.entries(CONFIG).every(([name, wanted]) => value.get(name) === wanted)) continue;
    // This request replaces all of the topic's own settings, so those that are not ours are sent along.
    const own = configEntries.filter((entry) => entry.configSource === TOPIC_CONFIG_SOURCE && !entry.isSensitive);
    const config = { ...Object.fromEntries(own.map((entry) => [entry.configName, entry.configValue])), ...CONFIG };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: resourceName,
          configEntries: Object.entries(config).map(([name, entry]) => ({ name, value: entry })),
        },
      ],
    });
    asked += 1;
  }
  return asked;
}

if (import.meta.main) {
  const { configOrExit } = await import("../shared/config.ts");
  const { createLog } = await import("../shared/log.ts");
  const { kafka, logLevel, prettyLogs } = configOrExit("wallet", ["broker"]);
  const log = createLog({ service: "create-topic", level: logLevel, pretty: prettyLogs });
  const topics = [kafka.topic, kafka.ledgerTopic];
  try {
    await createTopics({ ...kafka, clientId: "create-topic", log }, topics, kafka.replicationFactor);
    log.info({ topics, partitions: PARTITIONS }, "the topics are there");
  } catch (error) {
    log.error(error instanceof SetupError ? { reason: error.message } : { err: error }, "the topics could not be made");
    process.exit(1);
  }
}
