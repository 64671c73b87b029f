/** Both servers as real processes, on a database and topics of their own; and what a client does with them. */
import { expect } from "bun:test";
import { check, failures } from "../../sql/check.ts";
import { migrate } from "../../sql/migrate.ts";
import {
  cluster,
  createDatabase,
  createTopics,
  emptyDatabase,
  type RunningService,
  spawnService,
  type TestDatabase,
  until,
} from "../cluster.ts";

/** Both services in one database, or one for each. */
export const LAYOUTS = ["one database", "two databases"] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface Ground {
  /** The wallet service's, which is the history service's too unless there are two. */
  readonly database: TestDatabase;
  readonly historyDatabase: TestDatabase;
  /** The variables of a server. */
  readonly env: Readonly<Record<string, string>>;
}

export interface RunningSystem extends Ground {
  readonly wallet: RunningService;
  readonly history: RunningService;
}

export type Json = Record<string, unknown>;

/** An answer's members that tests name; which of them are there is for the tests to find out. */
export interface Body extends Json {
  readonly id: string;
  readonly version: number;
  readonly balance: string;
  readonly status: string;
  readonly code: string;
  readonly checks: Readonly<Record<string, string>>;
  readonly items: Json[];
}

/** What answers requests: a server, or a gateway in front of it. */
export type Addressed = Pick<RunningService, "url">;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Migrated databases and topics, with no server on them yet. */
export async function prepareGround(label: string, layout: Layout = "one database"): Promise<Ground> {
  const [{ kafka_brokers }, databases, topics] = await Promise.all([
    cluster(),
    layout === "one database" ? oneDatabase(label) : twoDatabases(label),
    createTopics(label),
  ]);
  const { database, historyDatabase } = databases;
  const env = {
    ...(layout === "one database"
      ? { DATABASE_URL: database.url }
      : { WALLET_DATABASE_URL: database.url, HISTORY_DATABASE_URL: historyDatabase.url }),
    KAFKA_BROKERS: kafka_brokers.join(","),
    KAFKA_TOPIC: topics.wallet_topic,
    KAFKA_LEDGER_TOPIC: topics.ledger_topic,
    KAFKA_GROUP_ID: topics.group_id,
    KAFKA_LEDGER_GROUP_ID: topics.ledger_group_id,
    LOG_LEVEL: "warn",
  };
  return { ...databases, env };
}

async function oneDatabase(label: string): Promise<Pick<Ground, "database" | "historyDatabase">> {
  const database = await createDatabase(label);
  return { database, historyDatabase: database };
}

/** Each has the schema of its service alone. */
async function twoDatabases(label: string): Promise<Pick<Ground, "database" | "historyDatabase">> {
  const [database, historyDatabase] = await Promise.all([emptyDatabase(`${label}-w`), emptyDatabase(`${label}-h`)]);
  await migrate({ wallet: database.url, history: historyDatabase.url }, { info: () => undefined });
  return { database, historyDatabase };
}

/** Both servers, started side by side. */
export async function startSystem(label: string, layout?: Layout): Promise<RunningSystem> {
  const ground = await prepareGround(label, layout);
  const [wallet, history] = await Promise.all([
    spawnService("wallet", ground.env),
    spawnService("history", ground.env),
  ]);
  await Promise.all([wallet, history].map(isAtWork));
  return { ...ground, wallet, history };
}

/** Resolves when the server has been let in by its database: it is live before. */
export async function isAtWork(service: RunningService): Promise<void> {
  await until(async () => (await fetch(`${service.url}/health`)).ok, {
    timeout_ms: 30_000,
    what: "the server is at work",
  });
}

/** Ends the servers and drops the databases. */
export async function stopAll(ground: Ground, ...services: (RunningService | undefined)[]): Promise<void> {
  await Promise.all(services.map((service) => service?.kill()));
  await ground.database.drop();
  if (ground.historyDatabase !== ground.database) await ground.historyDatabase.drop();
}

export async function get(service: Addressed, path: string): Promise<Reply> {
  return reply(await fetch(`${service.url}${path}`));
}

export async function post(
  service: Addressed,
  path: string,
  body: Json,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return reply(
    await fetch(`${service.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    }),
  );
}

/** Opens a wallet and funds it; gives its id. */
export async function openFunded(wallet: Addressed, user_id: string, amount: string): Promise<string> {
  const opened = await post(wallet, "/wallets", { user_id });
  expect(opened.status).toBe(201);
  const funded = await post(wallet, `/wallets/${opened.body.id}/fund`, { amount });
  expect(funded.status).toBe(201);
  return opened.body.id;
}

/** All events of the wallet, oldest first, once the history has this version. */
export async function historyOf(history: RunningService, id: string, version: number): Promise<Json[]> {
  for (let attempt = 1; ; attempt++) {
    // The server waits two seconds by itself; a group that has just been joined may take longer.
    const { status, body } = await get(history, `/wallets/${id}/history?order=asc&limit=200&min_version=${version}`);
    if (status === 200) return body.items;
    if (attempt === 15) {
      const answer = JSON.stringify(body);
      throw new Error(`Version ${version} of ${id} did not arrive: ${status} ${answer}\n${history.output()}`);
    }
  }
}

/** All invariants hold on the databases, once they are at rest. */
export async function expectInvariants({ database, historyDatabase }: Ground): Promise<void> {
  const report = await check({ wallet: database.url, history: historyDatabase.url });
  expect(failures(report)).toBe("");
}

async function reply(response: Response): Promise<Reply> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
}
