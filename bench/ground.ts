/** What is measured on: one PostgreSQL and one broker, started as `bun start` starts them, and servers as users run them. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type postgres from "postgres";
import { endLeftoverBroker, startBroker } from "../dev/broker.ts";
import { createTopics } from "../dev/create-topic.ts";
import { kafkaLibs } from "../dev/kafka-libs.ts";
import { endLeftoverPostgres, startPostgres } from "../dev/postgres.ts";
import { record, recorded } from "../dev/processes.ts";
import { SetupError } from "../dev/setup-error.ts";
import { createLog } from "../shared/log.ts";
import { Databases } from "./databases.ts";
import { brokerVersion } from "./machine.ts";
import { endLeftovers, Processes, type Server } from "./processes.ts";
import type { Watched } from "./usage.ts";

/** The wallets of every measurement but the one of growth. */
export const WALLETS = 1_000;
/** Nobody listens there: the wallet service goes on without its broker, and its outbox waits. */
const NO_BROKER = "127.0.0.1:1";
/** Between two statements of a transaction nobody is at work for a moment. */
const QUIET_LOOKS = 4;
const QUIET_LOOK_MS = 25;
/** The slowest baseline does a hundred transfers a second, and 256 of them may be left. */
const QUIET_TIMEOUT_MS = 30_000;

export interface Ground {
  readonly wallets: readonly string[];
  readonly processes: Processes;
  /** As the owner of everything, on the database `postgres`. */
  readonly admin: postgres.Sql;
  /** What every measurement watches beside its servers. */
  readonly watched: readonly Watched[];
  readonly kafka: string;
  /** Files of a run: requests, output of servers. */
  readonly folder: string;
  /** A new migrated database; with the wallets in it unless told otherwise. */
  database(label: string, from?: "wallets" | "empty"): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** Of a database on the same server that was there before. */
  addressOf(database: string): string;
  /** Names and brokers of two new topics, as the servers' variables. */
  topics(label: string): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

export interface GroundOptions {
  readonly checkout: string;
  readonly say: (line: string) => void;
}

/** Starts PostgreSQL and broker, or uses those that DATABASE_URL (its owner's login) and KAFKA_BROKERS name. */
export async function startGround({ checkout, say }: GroundOptions): Promise<Ground> {
  const folder = await ownFolder(join(checkout, ".data", "bench"), say);
  const processes = new Processes(join(folder, "servers"));
  const stops: (() => Promise<void>)[] = [() => processes.close()];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= inOrder(stops);
    return stopped;
  };
  try {
    const servers = await Promise.allSettled([findPostgres(folder, say), findBroker(checkout, folder, say)]);
    stops.push(...servers.flatMap((server) => (server.status === "fulfilled" ? [server.value.stop] : [])));
    // Its data may be tens of gigabytes; the servers' output stays to be looked at.
    stops.push(async () => {
      for (const data of ["postgres", "kafka", "requests"])
        rmSync(join(folder, data), { recursive: true, force: true });
    });
    const [database, broker] = [startedOf(servers[0]), startedOf(servers[1])];
    const databases = new Databases(database.url);
    // Before its server.
    stops.splice(1, 0, () => databases.close(!database.own));
    const wallets = await databases.makeTemplates(WALLETS, (ready) => say(`${ready} of ${WALLETS} wallets`));
    return {
      wallets,
      processes,
      admin: databases.admin,
      watched: [...database.watched, ...broker.watched],
      kafka: broker.version,
      folder,
      database: (label, from) => databases.copy(label, from),
      dropDatabase: (url) => databases.drop(url),
      addressOf: (database) => databases.address(database),
      topics: (label) => newTopics(broker.brokers, label),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startedOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

async function inOrder(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}

/** Resolves when no request that a load has left behind is at work in the database any more. */
export async function quiet({ admin }: Ground): Promise<void> {
  const deadline = performance.now() + QUIET_TIMEOUT_MS;
  for (let looks = 0; looks < QUIET_LOOKS && performance.now() < deadline; ) {
    const [busy] = await admin`
      select from pg_stat_activity
       where application_name in ('wallet:functions', 'wallet:bench') and state <> 'idle' limit 1`;
    looks = busy === undefined ? looks + 1 : 0;
    await Bun.sleep(QUIET_LOOK_MS);
  }
}

/** A wallet server alone: its broker is not to be reached, so nothing is published and the outbox waits. */
export function startAlone(ground: Ground, database: string): Promise<Server> {
  const env = { DATABASE_URL: database, KAFKA_BROKERS: NO_BROKER };
  return ground.processes.start({ name: "wallet", command: ["wallet/main.ts"], env, isReady: isAdmitted });
}

export function startWallet(ground: Ground, env: Readonly<Record<string, string>>): Promise<Server> {
  return ground.processes.start({ name: "wallet", command: ["wallet/main.ts"], env, isReady: isWell });
}

export function startHistory(ground: Ground, env: Readonly<Record<string, string>>): Promise<Server> {
  return ground.processes.start({ name: "history", command: ["history/main.ts"], env, isReady: isWell });
}

async function isWell(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health`);
  const health: unknown = await answer.json();
  return typeof health === "object" && health !== null && "status" in health && health.status === "ok";
}

/** The database is there and lets the server in; the broker may be missing. */
async function isAdmitted(url: string): Promise<boolean> {
  return (await fetch(`${url}/health`)).ok;
}

/** The folder, empty, and noted as this process's own. */
async function ownFolder(folder: string, say: (line: string) => void): Promise<string> {
  const owner = join(folder, "bench.json");
  if (recorded(owner) !== null) throw new SetupError("A measurement already runs in this checkout");
  mkdirSync(join(folder, "servers"), { recursive: true });
  await endLeftovers(join(folder, "servers"));
  await Promise.all([
    endLeftoverPostgres(join(folder, "postgres"), say),
    endLeftoverBroker(join(folder, "kafka"), say),
  ]);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "requests"), { recursive: true });
  record(owner, process.pid);
  return folder;
}

async function findPostgres(folder: string, say: (line: string) => void) {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL) return { url: DATABASE_URL, own: false, watched: [], stop: () => Promise.resolve() };
  const { url, pid, stop } = await startPostgres({ dataDir: join(folder, "postgres"), log: say });
  return { url, own: true, watched: [{ name: "PostgreSQL", pid }], stop: () => stop("fast") };
}

async function findBroker(checkout: string, folder: string, say: (line: string) => void) {
  const { KAFKA_BROKERS } = process.env;
  if (KAFKA_BROKERS) {
    return { brokers: KAFKA_BROKERS, version: KAFKA_BROKERS, watched: [], stop: () => Promise.resolve() };
  }
  const libsDir = await kafkaLibs(join(checkout, ".data", "kafka"), say);
  const { brokers, pid, stop } = await startBroker({ dataDir: join(folder, "kafka"), libsDir, log: say });
  return { brokers, version: await brokerVersion(), watched: [{ name: "broker", pid }], stop };
}

async function newTopics(brokers: string, label: string): Promise<Record<string, string>> {
  const name = `${label}-${crypto.randomUUID().slice(0, 8)}`;
  const topics = { KAFKA_TOPIC: `wallet-events-${name}`, KAFKA_LEDGER_TOPIC: `ledger-events-${name}` };
  const log = createLog({ service: "bench", level: "silent", pretty: false });
  const kafka = { brokers: brokers.split(","), ssl: false, sasl: null, clientId: "bench", log };
  await createTopics(kafka, Object.values(topics), null);
  return {
    KAFKA_BROKERS: brokers,
    ...topics,
    KAFKA_GROUP_ID: `history-${name}`,
    KAFKA_LEDGER_GROUP_ID: `wallet-${name}`,
  };
}
