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
import * as schema from "../shared/schema/wallet.ts";
import { exitOnDefects, stopOnSignals } from "../shared/shutdown.ts";
import { brokerAnswers } from "../shared/topics.ts";
import { tracedHandle, tracedProducer } from "../shared/tracing/messages.ts";
import { createTracing } from "../shared/tracing/tracing.ts";
import { createApp } from "./app.ts";
import { CALLS_IN_FLIGHT, createCommitter } from "./committer.ts";
import { admittedCall, callWith } from "./execute.ts";
import { removeExpiredKeys } from "./expiry.ts";
import { createCommitMetrics, createRemovedKeys, createResentReservations, watchQueue, watchSagas } from "./metrics.ts";
import { createQueries } from "./queries.ts";
import { resendReservations } from "./resend.ts";
import { settleWith } from "./settle.ts";
import { tracedCall } from "./traced-call.ts";
import { createWaiting } from "./waiting.ts";

/** The wallet service: config, connections, committer, relay, listen; stopped in reverse. */

/** Reads wait for one another rather than crowd the writers out of the database. */
const READ_CONNECTIONS = 8;
/** One for each call in flight, and one for what is done now and then. */
const FUNCTION_CONNECTIONS = CALLS_IN_FLIGHT + 1;
const RELAY_CONNECTIONS = 2;
/** Health answers within a second. */
const BROKER_CHECK_MS = 700;
/** An overload counts as over when nothing was refused for so long; what can wait waits until then. */
const OVERLOAD_PASSES_MS = 10_000;
const WORKER_STOP_MS = 3_000;
const POOL_STOP_S = 2;
const TRACES_STOP_MS = 500;

const config = configOrExit("wallet");
const log = createLog({ service: "wallet", level: config.logLevel, pretty: config.prettyLogs });
exitOnDefects(log);
const metrics = createMetrics("wallet");
const tracing = await createTracing("wallet", config.otlp);
const { databaseUrl, kafka } = config;
const settings = { ...kafka, clientId: "wallet", log };

const functions = connectFunctions(databaseUrl, { service: "wallet", purpose: "functions", max: FUNCTION_CONNECTIONS });
const reads = connectReads(databaseUrl, { service: "wallet", purpose: "reads", max: READ_CONNECTIONS }, schema);

const admission = seekAdmission(
  functions,
  [ensureCompatible("wallet"), ...(config.allowUnsafeDurability ? [] : [ensureDurable])],
  {
    log,
    onRefused(error) {
      log.fatal({}, error.message);
      process.exit(1);
    },
  },
);

const relay = startRelay({
  connect: () => connectFunctions(databaseUrl, { service: "wallet", purpose: "relay", max: RELAY_CONNECTIONS }),
  async connectProducer(deadlineMs) {
    const producer = await connectProducer(settings, deadlineMs);
    return tracing ? tracedProducer(producer, tracing) : producer;
  },
  topic: kafka.topic,
  source: "urn:wallet:wallet-service",
  holder: uuidv7(),
  log,
});
const call = admittedCall(admission, callWith(functions));
const committer = createCommitter({
  call: tracing ? tracedCall(call, tracing) : call,
  log,
  now: () => performance.now(),
  onCommit: () => relay.wake(),
  ...createCommitMetrics(metrics.registry),
});
const queries = createQueries(reads.db);
const waiting = createWaiting(queries, log);
const settle = settleWith({ committer, sql: functions, log, onSettled: () => waiting.wake() });
const settlements = createConsumer({
  kafka: settings,
  topic: kafka.ledgerTopic,
  groupId: kafka.ledgerGroupId,
  handle: tracing ? tracedHandle(settle, kafka.ledgerGroupId, tracing) : settle,
  log,
});
settlements.start();
const removed = createRemovedKeys(metrics.registry);
const expiry = removeExpiredKeys(functions, log, (keys) => removed.inc(keys));
const resent = createResentReservations(metrics.registry);
const resends = resendReservations(functions, log, (sagas) => resent.inc(sagas));
const outboxDays = keepOutboxDays(functions, log);
watchQueue(metrics.registry, committer);
watchSagas(metrics.registry, queries);
watchOutbox(metrics.registry, relay);
const invariants = watchInvariantsOf(config, metrics.registry, log, () => committer.wasFullWithin(OVERLOAD_PASSES_MS));

const app = createApp({
  committer,
  queries,
  waiting,
  checks: {
    async database() {
      await reads.sql`select 1`;
      return admission.admitted() ? "ok" : "down";
    },
    async broker() {
      if (!(await brokerAnswers(settings, BROKER_CHECK_MS))) return "down";
      const { standing, last_error } = relay.status();
      return standing === "starting" || standing === "restored_elsewhere" || last_error !== null ? "degraded" : "ok";
    },
  },
  log,
  metrics,
  corsOrigins: config.corsOrigins,
  guard: createGuard(config, () => performance.now()),
  tracing,
  historyUrl: config.consoleHistoryUrl,
});
warnIfOpen(config, config.hostname, log);
const server = listen(app, { port: config.port, hostname: config.hostname, log });

stopOnSignals(
  [
    { name: "waiting", stop: () => waiting.stop(WORKER_STOP_MS) },
    { name: "server", stop: () => server.stop() },
    { name: "settlements", stop: () => settlements.stop(WORKER_STOP_MS) },
    { name: "committer", stop: () => committer.stop() },
    {
      name: "workers",
      stop: () => Promise.all([expiry, resends, outboxDays, ...invariants].map((each) => each.stop(WORKER_STOP_MS))),
    },
    { name: "admission", stop: () => admission.stop(WORKER_STOP_MS) },
    { name: "relay", stop: () => relay.stop(WORKER_STOP_MS) },
    { name: "functions", stop: () => functions.end({ timeout: POOL_STOP_S }) },
    { name: "reads", stop: () => reads.sql.end({ timeout: POOL_STOP_S }) },
    { name: "tracing", stop: async () => tracing?.stop(TRACES_STOP_MS) },
  ],
  log,
);
