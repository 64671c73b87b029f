import { Elysia } from "elysia";
import type { Logger } from "pino";
import { conventions, ELYSIA_OPTIONS } from "../shared/http/conventions.ts";
import { docs } from "../shared/http/docs.ts";
import type { Guard } from "../shared/http/guard.ts";
import { type Health, health } from "../shared/http/health.ts";
import { type Metrics, metricsPage } from "../shared/http/metrics.ts";
import { problemPages } from "../shared/http/problem-pages.ts";
import type { Tracing } from "../shared/tracing/tracing.ts";
import type { Committer } from "./committer.ts";
import { consolePages } from "./console.ts";
import type { Queries } from "./queries.ts";
import { sagaRoutes } from "./sagas.ts";
import { transactionRoutes } from "./transactions.ts";
import { transferRoutes } from "./transfers.ts";
import type { Waiting } from "./waiting.ts";
import { walletRoutes } from "./wallets.ts";

export interface AppDependencies {
  readonly committer: Committer;
  readonly queries: Queries;
  readonly waiting: Waiting;
  readonly checks: Readonly<Record<string, () => Promise<Health>>>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly corsOrigins: readonly string[];
  /** Who is let in, and how often; everyone and always if left out. */
  readonly guard?: Guard | undefined;
  readonly tracing?: Tracing | undefined;
  /** The history service as the console's readers reach it; null where it is at the page's own origin. */
  readonly historyUrl?: string | null;
}

/** The wallet service: which plugins, in which order. */
export function createApp({
  committer,
  queries,
  waiting,
  checks,
  log,
  metrics,
  corsOrigins,
  guard,
  tracing,
  historyUrl = null,
}: AppDependencies) {
  return new Elysia(ELYSIA_OPTIONS)
    .use(conventions({ log, metrics, corsOrigins, guard, tracing, isFull: () => committer.isFull() }))
    .use(problemPages())
    .use(health({ checks }))
    .use(metricsPage(metrics))
    .use(docs({ ...API, guard }))
    .use(consolePages({ historyUrl }))
    .use(walletRoutes({ committer, queries }))
    .use(transferRoutes({ committer }))
    .use(sagaRoutes({ committer, queries, waiting }))
    .use(transactionRoutes({ queries, waiting }));
}

const API = {
  title: "Wallet service",
  version: "1.0.0",
  description:
    "Opens wallets, funds them and moves money between them. Amounts are decimal strings with four decimals.",
  tags: [
    { name: "Wallets", description: "Open, read and freeze." },
    { name: "Transfers", description: "Money comes in, goes out, and moves." },
    { name: "Sagas", description: "Transfers in which the ledger decides." },
    { name: "Transactions", description: "The lines of the wallets." },
  ],
};
