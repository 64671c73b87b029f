/** Real servers for tests: one PostgreSQL and one broker per run, a database and topics of its own per test file. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { endLeftoverBroker } from "../dev/broker.ts";
import { createTopics as makeTopics } from "../dev/create-topic.ts";
import { endLeftoverPostgres } from "../dev/postgres.ts";
import { recorded } from "../dev/processes.ts";
import type { KafkaSettings } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { migrate } from "../sql/migrate.ts";
import { ALL_RUNS, endServers, endServices, newRunFolder } from "./run-folder.ts";
import { until } from "./until.ts";

export { type RunningService, spawnService } from "./service.ts";
export { until } from "./until.ts";

export interface Cluster {
  /** Address of the database `postgres`, as the owner of everything. */
  admin_url: string;
  kafka_brokers: string[];
}

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

export interface TestTopics {
  wallet_topic: string;
  ledger_topic: string;
  group_id: string;
  ledger_group_id: string;
}

/** Servers start in 4 s; on a fresh checkout the broker is fetched first. */
const START_TIMEOUT_MS = 10 * 60_000;
const TEMPLATE = "migrated_template";

/** Set by `bun run test`, whose processes share their servers: the folder of the run, which ends them. */
const { TEST_RUN_FOLDER } = process.env;

interface Run extends Cluster {
  folder: string;
  sql: postgres.Sql;
  kafka: KafkaSettings;
  /** Resolves when the template database is migrated. */
  template: Promise<void> | null;
  stop(): Promise<void>;
}

let started: Promise<Run> | undefined;

/** The servers of this run, started at the first call. They end with the run, whatever ends it. */
export function cluster(): Promise<Cluster> {
  return run();
}

/** Ends the servers and waits for it; nothing if none was started. */
export async function stopCluster(): Promise<void> {
  const running = started;
  started = undefined;
  await (await running)?.stop();
}

/** The folder of this run's data; what is noted in its `services` is ended with the run. */
export async function clusterFolder(): Promise<string> {
  return (await run()).folder;
}

/** A new database with all migrations and functions, a copy of one that is made once per run. */
export async function createDatabase(label: string): Promise<TestDatabase> {
  const current = await run();
  current.template ??= makeTemplate(current);
  await current.template;
  return newDatabase(current, label, TEMPLATE);
}

/** A new database with nothing in it, for tests of the migrations themselves. */
export async function emptyDatabase(label: string): Promise<TestDatabase> {
  return newDatabase(await run(), label, "template0");
}

/** New topics of six partitions, and names for the groups that read them. */
export async function createTopics(label: string): Promise<TestTopics> {
  const { kafka } = await run();
  const name = unique(label, "-");
  const topics = {
    wallet_topic: `wallet-events-${name}`,
    ledger_topic: `ledger-events-${name}`,
    group_id: `history-${name}`,
    ledger_group_id: `wallet-${name}`,
  };
  await makeTopics(kafka, [topics.wallet_topic, topics.ledger_topic], 1);
  return topics;
}

function run(): Promise<Run> {
  started ??= start();
  return started;
}

async function start(): Promise<Run> {
  await cleanUpAfterKilledRuns();
  const folder = TEST_RUN_FOLDER ?? newRunFolder();
  const { admin_url, kafka_brokers } = await startServers(folder);
  const log = createLog({ service: "test", level: "silent", pretty: false });
  const sql = postgres(admin_url, { max: 2, onnotice: () => undefined });
  return {
    admin_url,
    kafka_brokers,
    folder,
    sql,
    kafka: { brokers: kafka_brokers, ssl: false, sasl: null, clientId: "test-cluster", log },
    template: null,
    stop: async () => {
      await sql.end({ timeout: 1 });
      if (TEST_RUN_FOLDER === undefined) await endServers(folder);
    },
  };
}

async function startServers(folder: string): Promise<Cluster> {
  if (isFirst(folder)) launchServers(folder);
  const answer = await until(
    () => {
      const found = ["failure.txt", "cluster.json"].find((name) => existsSync(join(folder, name)));
      return found !== undefined && { found, text: readFileSync(join(folder, found), "utf8") };
    },
    { timeout_ms: START_TIMEOUT_MS, what: "the servers for the tests start" },
  );
  if (answer.found === "failure.txt") throw new Error(`The servers for the tests did not start: ${answer.text}`);
  return JSON.parse(answer.text);
}

/** One of the processes that share the folder starts the servers. */
function isFirst(folder: string): boolean {
  try {
    writeFileSync(join(folder, "starting"), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

function launchServers(folder: string): void {
  // Through a shell that ends at once: `bun test` kills its own children when a test times out, and the servers are
  // for all tests.
  Bun.spawnSync(["sh", "-c", '"$@" &', "sh", process.execPath, join(import.meta.dir, "cluster-servers.ts"), folder], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** Ends and removes whatever a run has left whose process and keeper are both gone: normally nothing. */
export async function cleanUpAfterKilledRuns(): Promise<void> {
  mkdirSync(ALL_RUNS, { recursive: true });
  for (const name of readdirSync(ALL_RUNS)) {
    const folder = join(ALL_RUNS, name);
    const inUse = recorded(join(folder, "run.json")) ?? recorded(join(folder, "keeper.json"));
    if (inUse !== null) continue;
    await endServices(folder);
    await Promise.all([
      endLeftoverPostgres(join(folder, "postgres"), quiet),
      endLeftoverBroker(join(folder, "kafka"), quiet),
    ]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function quiet(): void {}

/** Made by the first process of the run that needs it; the others wait for it. */
async function makeTemplate({ sql, admin_url }: Run): Promise<void> {
  const session = await sql.reserve();
  await session`select pg_advisory_lock(hashtext(${TEMPLATE}))`;
  try {
    const [made] = await session`select from pg_database where datname = ${TEMPLATE}`;
    if (made !== undefined) return;
    const unfinished = `${TEMPLATE}_unfinished`;
    await session`drop database if exists ${session(unfinished)}`;
    await session`create database ${session(unfinished)}`;
    const url = databaseUrl(admin_url, unfinished);
    await migrate({ wallet: url, history: url }, { info: () => undefined });
    // A database can be renamed, and copied, only while nobody is connected to it.
    await until(
      async () => {
        const [row] = await session<{ sessions: number }[]>`
          select count(*)::int as sessions from pg_stat_activity where datname = ${unfinished}`;
        return row?.sessions === 0;
      },
      { what: "the migration's sessions end" },
    );
    await session`alter database ${session(unfinished)} rename to ${session(TEMPLATE)}`;
  } finally {
    await session`select pg_advisory_unlock(hashtext(${TEMPLATE}))`;
    session.release();
  }
}

async function newDatabase({ sql, admin_url }: Run, label: string, template: string): Promise<TestDatabase> {
  const name = unique(label, "_");
  await sql`create database ${sql(name)} template ${sql(template)}`;
  return {
    url: databaseUrl(admin_url, name),
    drop: async () => {
      await sql`drop database if exists ${sql(name)} with (force)`;
    },
  };
}

function databaseUrl(admin_url: string, database: string): string {
  const url = new URL(admin_url);
  url.pathname = `/${database}`;
  return url.href;
}

/** The label as part of a name that occurs once, short enough for PostgreSQL's 63 bytes. */
function unique(label: string, joint: "-" | "_"): string {
  const words = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, joint)
    .slice(0, 30);
  return `${words}${joint}${crypto.randomUUID().slice(0, 8)}`;
}
