import { ensureDurable, seekAdmission } from "../shared/admission.ts";
import { watchInvariantsOf } from "../shared/checks/invariants.ts";
import { ensureCompatible } from "../shared/compatibility.ts";
import { configOrExit } from "../shared/config.ts";
import { createConsumer } from "../shared/consumer.ts";
import { connectFunctions, connectReads } from "../shared/database.ts";
import { createGuard, warnIfOpen } from "../shared/http/guard.ts";
import { createMetrics } from "../shared/http/metrics.ts";
import { listen } from "../shared/http/server.ts";
import { uuidv7 } from "../shared/ids.ts";
import { connectProducer } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { keepOutboxDays } from "../shared/outbox-days.ts";
import { watchOutbox } from "../shared/outbox-metrics.ts";
import { startRelay } from "../shared/relay.ts";
import * as schema from "../shared/schema/history.ts";
import { exitOnDefects, stopOnSignals } from "../shared/shutdown.ts";
import { brokerAnswers } from "../shared/topics.ts";
import { tracedHandle, tracedProducer } from "../shared/tracing/messages.ts";
import { createTracing } from "../shared/tracing/tracing.ts";
import { createApp } from "./app.ts";
import { createArrivals } from "./arrivals.ts";
import { continueLedger } from "./backlog.ts";
import { createDelay } from "./delay.ts";
import { createFeed } from "./feed.ts";
import { createLag, registerLag } from "./lag.ts";
import { freezeAccountWith } from "./ledger.ts";
import { createLedgerQueries } from "./ledger-queries.ts";
import { createProject, type Readable, whenAdmitted } from "./project.ts";
import { createPublications } from "./publications.ts";
import { createQueries } from "./queries.ts";
import { createReplay } from "./replay.ts";
import { createStream } from "./stream.ts";

/** The history service: config, connections, consumer, relay, listen; stopped in reverse. */

/** Partitions that are applied at the same time: while one batch is in the database, the next is parsed. */
const CONCURRENCY = 2;
/** One for each batch at work, and two for what is done now and then. */
const FUNCTION_CONNECTIONS = CONCURRENCY + 2;
const RELAY_CONNECTIONS = 2;
/** Reads wait for one another rather than crowd the writers out of the database. */
const READ_CONNECTIONS = 8;
/** Health answers within a second. */
const BROKER_CHECK_MS = 700;
const WORKER_STOP_MS = 3_000;
const POOL_STOP_S = 2;
const TRACES_STOP_MS = 500;

const config = configOrExit("history");
const log = createLog({ service: "history", level: config.logLevel, pretty: config.prettyLogs });
exitOnDefects(log);
const metrics = createMetrics("history");
const tracing = await createTracing("history", config.otlp);
const { databaseUrl } = config;
const { topic, groupId } = config.kafka;
const kafka = { ...config.kafka, clientId: "history", log };

const functions = connectFunctions(databaseUrl, {
  service: "history",
  purpose: "functions",
  max: FUNCTION_CONNECTIONS,
});
const reads = connectReads(databaseUrl, { service: "history", purpose: "reads", max: READ_CONNECTIONS }, schema);

const admission = seekAdmission(
  functions,
  [ensureCompatible("history"), ...(config.allowUnsafeDurability ? [] : [ensureDurable])],
  {
    log,
    onRefused(error) {
      log.fatal({}, error.message);
      process.exit(1);
    },
  },
);

const queries = createQueries(reads.db);
const arrivals = createArrivals({ queries, log });
const feed = createFeed({ queries, log });
const stream = createStream({ feed, queries, log });
const measureLag = createLag({ kafka, topic, groupId, queries, now: Date.now });
registerLag(metrics, measureLag);

const relay = startRelay({
  connect: () => connectFunctions(databaseUrl, { service: "history", purpose: "relay", max: RELAY_CONNECTIONS }),
  async connectProducer(deadlineMs) {
    const producer = await connectProducer({ ...kafka, clientId: "history-relay" }, deadlineMs);
    return tracing ? tracedProducer(producer, tracing) : producer;
  },
  topic: config.kafka.ledgerTopic,
  source: "urn:wallet:history-service",
  holder: uuidv7(),
  log,
});
const outboxDays = keepOutboxDays(functions, log);
const backlog = continueLedger(functions, log);
watchOutbox(metrics.registry, relay);
const onStored = (): void => {
  arrivals.wake();
  feed.wake();
};
const onDecided = (): void => relay.wake();
const onReplayed = (): void => {
  onStored();
  onDecided();
};
const publications = createPublications();
const delay = createDelay(Date.now);
const onRead = (read: readonly Readable[]): void => {
  publications.note(read);
  delay.note(read);
};
const project = createProject({ sql: functions, log, metrics, onRead, onStored, onDecided });
const admitted = whenAdmitted(admission.admitted, project);
const handle = tracing ? tracedHandle(admitted, groupId, tracing) : admitted;
const consumer = createConsumer({ kafka, topic, groupId, handle, log, concurrency: CONCURRENCY });
consumer.start();
// What can wait waits until the history is up to date.
const invariants = watchInvariantsOf(config, metrics.registry, log, delay.isCatchingUp);

const app = createApp({
  queries,
  ledger: createLedgerQueries(reads.db),
  freezeAccount: freezeAccountWith(functions),
  replay: createReplay({ sql: functions, log, onReplayed }),
  arrivals,
  publications,
  stream,
  measureLag,
  checks: {
    async database() {
      await reads.sql`select 1`;
      return admission.admitted() ? "ok" : "down";
    },
    async broker() {
      if (!(await brokerAnswers(kafka, BROKER_CHECK_MS))) return "down";
      const publishes = relay.status().standing !== "restored_elsewhere";
      return publishes && consumer.state().status === "running" ? "ok" : "degraded";
    },
  },
  log,
  metrics,
  corsOrigins: config.corsOrigins,
  guard: createGuard(config, () => performance.now()),
  tracing,
});
warnIfOpen(config, config.hostname, log);
const server = listen(app, { port: config.port, hostname: config.hostname, log });

stopOnSignals(
  [
    // Its answers never end by themselves, and the server waits for all answers.
    { name: "stream", stop: async () => stream.stop() },
    { name: "server", stop: () => server.stop() },
    { name: "consumer", stop: () => consumer.stop(WORKER_STOP_MS) },
    {
      name: "workers",
      stop: () => Promise.all([backlog, outboxDays, ...invariants].map((each) => each.stop(WORKER_STOP_MS))),
    },
    { name: "feed", stop: () => feed.stop() },
    { name: "arrivals", stop: () => arrivals.stop() },
    { name: "admission", stop: () => admission.stop(WORKER_STOP_MS) },
    { name: "relay", stop: () => relay.stop(WORKER_STOP_MS) },
    { name: "functions", stop: () => functions.end({ timeout: POOL_STOP_S }) },
    { name: "reads", stop: () => reads.sql.end({ timeout: POOL_STOP_S }) },
    { name: "tracing", stop: async () => tracing?.stop(TRACES_STOP_MS) },
  ],
  log,
);
