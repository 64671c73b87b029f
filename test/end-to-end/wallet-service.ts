import { connectFunctions, connectReads } from "../../shared/database.ts";
import { createMetrics } from "../../shared/http/metrics.ts";
import { listen } from "../../shared/http/server.ts";
import { createLog } from "../../shared/log.ts";
import * as schema from "../../shared/schema/wallet.ts";
import { createApp } from "../../wallet/app.ts";
import { CALLS_IN_FLIGHT, createCommitter } from "../../wallet/committer.ts";
import { callWith } from "../../wallet/execute.ts";
import { createQueries } from "../../wallet/queries.ts";
import { createWaiting } from "../../wallet/waiting.ts";
import { cluster, createDatabase, createTopics, spawnService, type TestDatabase } from "../cluster.ts";

/** The wallet service behind real HTTP, on a real database, and what its tests say to it. */

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  readonly body: any;
}

export interface Sending {
  /** A text or bytes as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Client {
  send(method: string, path: string, sending?: Sending): Promise<Reply>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** A new wallet's id. */
  open(balance?: string, body?: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface WalletService extends Client {
  readonly url: string;
  readonly database: TestDatabase;
  /** All that the database holds of money and of answers: equal before and after what must change nothing. */
  state(): Promise<string>;
  stop(): Promise<void>;
}

export function clientOf(url: string): Client {
  const client: Client = {
    async send(method, path, { body, headers } = {}) {
      const raw = typeof body === "string" || body instanceof Uint8Array || body === undefined;
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
        ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
        redirect: "manual",
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
      return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
    },
    get: (path, headers = {}) => client.send("GET", path, { headers }),
    post: (path, body, headers = {}) => client.send("POST", path, { body, headers }),
    async open(balance, body = { user_id: "tester" }) {
      const { id } = (await client.post("/wallets", body)).body;
      if (balance !== undefined) await client.post(`/wallets/${id}/fund`, { amount: balance });
      return id;
    },
  };
  return client;
}

/** In this process, put together as `wallet/main.ts` does, without a broker. `reach` may lead to the database by a detour. */
export async function startWalletService(
  label: string,
  reach: (url: string) => Promise<string> = (url) => Promise.resolve(url),
): Promise<WalletService> {
  const database = await createDatabase(label);
  const url = await reach(database.url);
  const log = createLog({ service: "wallet", level: "silent", pretty: false });
  const metrics = createMetrics("wallet");
  const functions = connectFunctions(url, {
    service: "wallet",
    purpose: "functions",
    max: CALLS_IN_FLIGHT + 1,
  });
  const reads = connectReads(url, { service: "wallet", purpose: "reads", max: 4 }, schema);
  const committer = createCommitter({
    call: callWith(functions),
    log,
    now: () => performance.now(),
    onCommit: () => undefined,
  });
  const queries = createQueries(reads.db);
  const waiting = createWaiting(queries, log);
  const app = createApp({ committer, queries, waiting, checks: {}, log, metrics, corsOrigins: [] });
  const server = listen(app, { port: 0, hostname: "127.0.0.1", log });
  return withState(server.url, database, async () => {
    await waiting.stop(1_000);
    await server.stop();
    await committer.stop();
    await Promise.all([functions.end({ timeout: 5 }), reads.sql.end({ timeout: 5 })]);
  });
}

/** The real processes, as many as asked for, on one database. */
export async function spawnWalletServices(
  label: string,
  count: number,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly WalletService[]> {
  const [database, { kafka_brokers }, topics] = await Promise.all([
    createDatabase(label),
    cluster(),
    createTopics(label),
  ]);
  const settings = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: kafka_brokers.join(","),
    KAFKA_TOPIC: topics.wallet_topic,
    KAFKA_LEDGER_TOPIC: topics.ledger_topic,
    KAFKA_GROUP_ID: topics.group_id,
    KAFKA_LEDGER_GROUP_ID: topics.ledger_group_id,
    LOG_LEVEL: "error",
    ...env,
  };
  const processes = await Promise.all(Array.from({ length: count }, () => spawnService("wallet", settings)));
  const services = processes.map(({ url, kill }) => withState(url, database, async () => void (await kill())));
  // Until it has found its database in order, a service refuses to touch it.
  for (const { post } of services) {
    while ((await post("/wallets", { user_id: "first" })).status === 503) await Bun.sleep(20);
  }
  return services;
}

function withState(url: string, database: TestDatabase, stop: () => Promise<void>): WalletService {
  const owner = connectFunctions(database.url, { service: "wallet", purpose: "state", max: 1, asOwner: true });
  return {
    ...clientOf(url),
    url,
    database,
    async state() {
      const wallets =
        await owner`select id, balance, held, status, version, updated_at from wallet.wallets order by id`;
      const [counts] = await owner`
        select (select count(*) from wallet.wallet_transactions) as lines, (select count(*) from wallet.outbox) as events,
               (select count(*) from wallet.transfer_sagas) as sagas, (select count(*) from wallet.idempotency_keys) as keys`;
      return JSON.stringify({ wallets, counts }, null, 1);
    },
    async stop() {
      await Promise.all([stop(), owner.end({ timeout: 5 })]);
      await database.drop();
    },
  };
}
