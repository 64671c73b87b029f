import { seed } from "../../dev/seed.ts";
import { makeApiKey } from "../../shared/http/api-keys.ts";
import { createLog } from "../../shared/log.ts";
import { cluster, createDatabase, createTopics, type RunningService, spawnService, until } from "../cluster.ts";

/** Both servers, with the two wallets that the examples of the API descriptions are about. */
export interface FuzzedServers {
  readonly wallet: RunningService;
  readonly history: RunningService;
  /** The API key that they ask for, of a client that may do all. */
  readonly key: string;
}

const log = createLog({ service: "fuzz", level: "silent", pretty: false });

/** A database, topics and servers of their own; they end with the run. */
export async function startServers(): Promise<FuzzedServers> {
  const [{ kafka_brokers }, database, topics] = await Promise.all([
    cluster(),
    createDatabase("fuzz"),
    createTopics("fuzz"),
  ]);
  await seed(database.url, log);
  // With keys, so that it is tried too what is answered without one.
  const { key, entry } = makeApiKey({ name: "fuzz", role: "admin" });
  const env = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: kafka_brokers.join(","),
    KAFKA_TOPIC: topics.wallet_topic,
    KAFKA_LEDGER_TOPIC: topics.ledger_topic,
    KAFKA_GROUP_ID: topics.group_id,
    KAFKA_LEDGER_GROUP_ID: topics.ledger_group_id,
    API_KEYS: entry,
    LOG_LEVEL: "error",
  };
  const [wallet, history] = await Promise.all([spawnService("wallet", env), spawnService("history", env)]);
  await until(async () => (await Promise.all([wallet, history].map(isWell))).every(Boolean), {
    timeout_ms: 30_000,
    what: "both servers are at work",
  });
  return { wallet, history, key };
}

async function isWell({ url }: RunningService): Promise<boolean> {
  const response = await fetch(`${url}/health`);
  const health = (await response.json()) as { readonly status: string };
  return health.status === "ok";
}
