import { connectFunctions, connectReads } from "../shared/database.ts";
import type { HistoryEvent, WalletEvent } from "../shared/events.ts";
import { createMetrics } from "../shared/http/metrics.ts";
import { Problem } from "../shared/http/problems.ts";
import { uuidv7 } from "../shared/ids.ts";
import { createLog } from "../shared/log.ts";
import * as schema from "../shared/schema/history.ts";
import { createDatabase } from "../test/cluster.ts";
import { createApp } from "./app.ts";
import { createArrivals } from "./arrivals.ts";
import { createFeed } from "./feed.ts";
import { freezeAccountWith } from "./ledger.ts";
import { createLedgerQueries } from "./ledger-queries.ts";
import { createPublications } from "./publications.ts";
import { createQueries } from "./queries.ts";
import { createReplay } from "./replay.ts";
import { createStream } from "./stream.ts";

/** For tests: events as the wallet service writes them, without a wallet service. */

const START = Date.parse("2026-01-31T12:00:00Z");

/** An instant so many microseconds after the tests' beginning of time. */
export function instant(micros: number): string {
  const text = new Date(START + Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return `${text}${String(micros % 1000).padStart(3, "0")}Z`;
}

/** Tells the events of one wallet, version by version; one second passes between two of them. */
export function tellWallet(user_id = "alice", wallet_id: string = uuidv7()) {
  let wallet_version = 0;
  let cents = 0;
  const next = (type: WalletEvent["type"], fields: Partial<WalletEvent> = {}): WalletEvent => {
    wallet_version += 1;
    const balance = `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, "0")}00`;
    return {
      id: uuidv7(),
      type,
      wallet_id,
      user_id,
      wallet_version,
      transaction_id: null,
      transfer_id: null,
      counterparty_wallet_id: null,
      amount: "0.0000",
      currency: "USD",
      balance_after: balance,
      held_after: "0.0000",
      posting: "NONE",
      description: null,
      reference: null,
      occurred_at: instant(wallet_version * 1_000_000),
      ...fields,
    };
  };
  return {
    wallet_id,
    user_id,
    created: (fields?: Partial<WalletEvent>) => next("WALLET_CREATED", fields),
    funded: (fields?: Partial<WalletEvent>) => {
      cents += 100;
      return next("WALLET_FUNDED", { transaction_id: uuidv7(), amount: "1.0000", posting: "OWN", ...fields });
    },
    frozen: (fields?: Partial<WalletEvent>) => next("WALLET_FROZEN", fields),
    /** Any other event; its balances are the caller's to say, should they matter. */
    event: next,
    /** A saga's reservation, in the two fields that name it. */
    reserved(counterparty_wallet_id: string, amount: string, fields: Partial<WalletEvent> = {}): WalletEvent {
      const id = uuidv7();
      const ids = { transaction_id: id, transfer_id: id, counterparty_wallet_id };
      return next("WALLET_RESERVED", { ...ids, amount, posting: "SAGA", ...fields });
    },
    /** The creation and so many fundings. */
    story(versions: number): WalletEvent[] {
      return [this.created(), ...Array.from({ length: versions - 1 }, () => this.funded())];
    },
  };
}

/** The service on a database of its own, without a broker: events are recorded straight by the SQL function. */
export async function startHistory(label: string) {
  const database = await createDatabase(label);
  const log = createLog({ service: "history", level: "silent", pretty: false });
  const sql = connectFunctions(database.url, { service: "history", purpose: "test", max: 3 });
  const reads = connectReads(database.url, { service: "history", purpose: "test-reads", max: 4 }, schema);
  const queries = createQueries(reads.db);
  const arrivals = createArrivals({ queries, log });
  const feed = createFeed({ queries, log });
  const stream = createStream({ feed, queries, log, heartbeat_ms: TEST_HEARTBEAT_MS });
  const metrics = createMetrics("history");
  const app = createApp({
    queries,
    ledger: createLedgerQueries(reads.db),
    freezeAccount: freezeAccountWith(sql),
    replay: createReplay({ sql, log, onReplayed: () => undefined }),
    arrivals,
    publications: createPublications(),
    stream,
    measureLag: () => Promise.reject(new Problem("unavailable")),
    checks: {},
    log,
    metrics,
    corsOrigins: [],
  });
  return {
    app,
    sql,
    log,
    queries,
    stream,
    database_url: database.url,
    async record(events: readonly WalletEvent[], partition = 0): Promise<void> {
      await sql`select * from record_events(${partition}::int, ${JSON.stringify(events)}::text)`;
    },
    /** Asks the app itself, no server between. */
    async get(path: string): Promise<{ status: number; body: Answer; headers: Headers }> {
      const response = await app.handle(new Request(`http://localhost${path}`));
      const text = await response.text();
      return { status: response.status, body: text === "" ? {} : JSON.parse(text), headers: response.headers };
    },
    async stop(): Promise<void> {
      stream.stop();
      await Promise.all([feed.stop(), arrivals.stop()]);
      await Promise.all([sql.end({ timeout: 1 }), reads.sql.end({ timeout: 1 })]);
      await database.drop();
    },
  };
}

export type TestHistory = Awaited<ReturnType<typeof startHistory>>;

/** Short enough for a test to see some. */
const TEST_HEARTBEAT_MS = 1_000;

/** What a test looks at in an answer: a list, a balance or a problem. */
export interface Answer {
  readonly items?: HistoryEvent[];
  readonly next_cursor?: string | null;
  readonly code?: string;
  readonly errors?: readonly { readonly in: string; readonly path: string }[];
  readonly [field: string]: unknown;
}
