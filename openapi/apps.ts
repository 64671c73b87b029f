import { createApp as createHistoryApp } from "../history/app.ts";
import { createArrivals } from "../history/arrivals.ts";
import { createFeed } from "../history/feed.ts";
import { freezeAccountWith } from "../history/ledger.ts";
import { createLedgerQueries } from "../history/ledger-queries.ts";
import { createPublications } from "../history/publications.ts";
import { createQueries as createHistoryQueries } from "../history/queries.ts";
import { createReplay } from "../history/replay.ts";
import { createStream } from "../history/stream.ts";
import { connectFunctions, connectReads } from "../shared/database.ts";
import type { Guard } from "../shared/http/guard.ts";
import { createMetrics } from "../shared/http/metrics.ts";
import { Problem } from "../shared/http/problems.ts";
import { createLog } from "../shared/log.ts";
import * as historySchema from "../shared/schema/history.ts";
import * as walletSchema from "../shared/schema/wallet.ts";
import { createApp as createWalletApp } from "../wallet/app.ts";
import { createCommitter } from "../wallet/committer.ts";
import { createQueries as createWalletQueries } from "../wallet/queries.ts";
import { createWaiting } from "../wallet/waiting.ts";

/** Connections are made when they are needed, which is never. */
const NOWHERE = "postgres://nobody@127.0.0.1:1/nothing";
const POOL = { purpose: "description", max: 1 } as const;

/** Everything that a caller may meet is described: keys and limits too, which are off unless they are configured. */
const GUARD: Guard = {
  asksForKeys: true,
  limitsRate: true,
  admit: () => ({ headers: undefined, refusal: undefined }),
};

/** Both services as `main.ts` puts them together, without a database and a broker behind them: to be described, not to be used. */
export function startApps() {
  const wallet = startWallet();
  const history = startHistory();
  return {
    wallet: wallet.app,
    history: history.app,
    async stop(): Promise<void> {
      await Promise.all([wallet.stop(), history.stop()]);
    },
  };
}

function startWallet() {
  const log = createLog({ service: "wallet", level: "silent", pretty: false });
  const reads = connectReads(NOWHERE, { service: "wallet", ...POOL }, walletSchema);
  const queries = createWalletQueries(reads.db);
  const waiting = createWaiting(queries, log);
  const committer = createCommitter({
    call: () => Promise.reject(new Problem("unavailable")),
    log,
    now: () => performance.now(),
    onCommit: () => undefined,
  });
  const common = { checks: {}, log, metrics: createMetrics("wallet"), corsOrigins: [], guard: GUARD };
  const app = createWalletApp({ committer, queries, waiting, ...common });
  return {
    app,
    async stop(): Promise<void> {
      await Promise.all([waiting.stop(0), committer.stop()]);
      await reads.sql.end();
    },
  };
}

function startHistory() {
  const log = createLog({ service: "history", level: "silent", pretty: false });
  const sql = connectFunctions(NOWHERE, { service: "history", ...POOL });
  const reads = connectReads(NOWHERE, { service: "history", ...POOL }, historySchema);
  const queries = createHistoryQueries(reads.db);
  const arrivals = createArrivals({ queries, log });
  const feed = createFeed({ queries, log });
  const stream = createStream({ feed, queries, log });
  const app = createHistoryApp({
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
    metrics: createMetrics("history"),
    corsOrigins: [],
    guard: GUARD,
  });
  return {
    app,
    async stop(): Promise<void> {
      stream.stop();
      await Promise.all([feed.stop(), arrivals.stop()]);
      await Promise.all([sql.end(), reads.sql.end()]);
    },
  };
}
