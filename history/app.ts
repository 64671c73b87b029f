import { Elysia } from "elysia";
import type { Logger } from "pino";
import { conventions, ELYSIA_OPTIONS } from "../shared/http/conventions.ts";
import { docs } from "../shared/http/docs.ts";
import type { Guard } from "../shared/http/guard.ts";
import { type Health, health } from "../shared/http/health.ts";
import { type Metrics, metricsPage } from "../shared/http/metrics.ts";
import { problemPages } from "../shared/http/problem-pages.ts";
import type { Tracing } from "../shared/tracing/tracing.ts";
import type { Arrivals } from "./arrivals.ts";
import { balanceRoutes } from "./balance.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { eventRoutes } from "./events.ts";
import { lagRoutes, type MeasureLag } from "./lag.ts";
import { type FreezeAccount, ledgerRoutes } from "./ledger.ts";
import type { LedgerQueries } from "./ledger-queries.ts";
import { type Publications, publicationRoutes } from "./publications.ts";
import type { Queries } from "./queries.ts";
import type { Replay } from "./replay.ts";
import type { Stream } from "./stream.ts";

export interface AppDependencies {
  readonly queries: Queries;
  readonly ledger: LedgerQueries;
  readonly freezeAccount: FreezeAccount;
  readonly replay: Replay;
  readonly arrivals: Arrivals;
  readonly publications: Publications;
  readonly stream: Stream;
  readonly measureLag: MeasureLag;
  readonly checks: Readonly<Record<string, () => Promise<Health>>>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly corsOrigins: readonly string[];
  /** Who is let in, and how often; everyone and always if left out. */
  readonly guard?: Guard | undefined;
  readonly tracing?: Tracing | undefined;
}

/** The history service: which plugins, in which order. */
export function createApp({
  queries,
  ledger,
  freezeAccount,
  replay,
  arrivals,
  publications,
  stream,
  measureLag,
  checks,
  log,
  metrics,
  corsOrigins,
  guard,
  tracing,
}: AppDependencies) {
  return new Elysia(ELYSIA_OPTIONS)
    .use(conventions({ log, metrics, corsOrigins, guard, tracing }))
    .use(problemPages())
    .use(health({ checks }))
    .use(metricsPage(metrics))
    .use(docs({ ...API, guard }))
    .use(eventRoutes({ queries, arrivals }))
    .use(balanceRoutes(queries))
    .use(stream.routes())
    .use(ledgerRoutes({ queries: ledger, freezeAccount }))
    .use(publicationRoutes(publications))
    .use(lagRoutes(measureLag))
    .use(deadLetterRoutes(queries, replay));
}

const API = {
  title: "History service",
  version: "1.0.0",
  description: "What happened to every wallet: complete, in order, without duplicates, and able to prove it.",
  tags: [
    { name: "History", description: "Events of wallets and users, balances then, and what happens now." },
    { name: "Ledger", description: "The double entries of what happened, and which accounts sagas may touch." },
    { name: "Operation", description: "How far the history is behind, and what could not be applied." },
  ],
};
