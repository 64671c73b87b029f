import { ensureDurable, seekAdmission } from "../shared/admission.ts";
import { loadConfig } from "../shared/config.ts";
import { connectFunctions, connectReads } from "../shared/database.ts";
import { createMetrics } from "../shared/http/metrics.ts";
import { listen } from "../shared/http/server.ts";
import { uuidv7 } from "../shared/ids.ts";
import { connectProducer } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { startRelay } from "../shared/relay.ts";
import * as schema from "../shared/schema/wallet.ts";
import { stopOnSignals } from "../shared/shutdown.ts";
import { createApp } from "./app.ts";
import { CALLS_IN_FLIGHT, createCommitter } from "./committer.ts";
import { admittedCall, callWith } from "./execute.ts";
import { removeExpiredKeys } from "./expiry.ts";
import { createCommitMetrics, createRemovedKeys, watch } from "./metrics.ts";
import { createQueries } from "./queries.ts";

/** The wallet service: config, connections, committer, relay, listen; stopped in reverse. */

/** Reads wait for one another rather than crowd the writers out of the database. */
const READ_CONNECTIONS = 8;
/** One for each call in flight, and one for what is done now and then. */
const FUNCTION_CONNECTIONS = CALLS_IN_FLIGHT + 1;
const RELAY_CONNECTIONS = 2;
const WORKER_STOP_MS = 3_000;
const POOL_STOP_S = 2;

const config = loadConfig("wallet");
const log = createLog({ service: "wallet", level: config.logLevel, pretty: config.prettyLogs });
const metrics = createMetrics("wallet");
const { databaseUrl, kafka } = config;

const functions = connectFunctions(databaseUrl, { service: "wallet", purpose: "functions", max: FUNCTION_CONNECTIONS });
const reads = connectReads(databaseUrl, { service: "wallet", purpose: "reads", max: READ_CONNECTIONS }, schema);

const admission = seekAdmission(functions, config.allowUnsafeDurability ? [] : [ensureDurable], {
  log,
  onRefused(error) {
    log.fatal({}, error.message);
    process.exit(1);
  },
});

const relay = startRelay({
  connect: () => connectFunctions(databaseUrl, { service: "wallet", purpose: "relay", max: RELAY_CONNECTIONS }),
  connectProducer: (deadlineMs) => connectProducer({ ...kafka, clientId: "wallet-relay", log }, deadlineMs),
  topic: kafka.topic,
  source: "urn:wallet:wallet-service",
  holder: uuidv7(),
  log,
});
const committer = createCommitter({
  call: admittedCall(admission, callWith(functions)),
  log,
  now: () => performance.now(),
  onCommit: () => relay.wake(),
  ...createCommitMetrics(metrics.registry),
});
const removed = createRemovedKeys(metrics.registry);
const expiry = removeExpiredKeys(functions, log, (keys) => removed.inc(keys));
watch(metrics.registry, committer, relay);

const app = createApp({
  committer,
  queries: createQueries(reads.db),
  checks: {
    async database() {
      await reads.sql`select 1`;
      return admission.admitted() ? "ok" : "down";
    },
    async broker() {
      const { standing, last_error } = relay.status();
      return standing === "starting" || standing === "restored_elsewhere" || last_error !== null ? "degraded" : "ok";
    },
  },
  log,
  metrics,
  corsOrigins: config.corsOrigins,
});
const server = listen(app, { port: config.port, hostname: config.hostname, log });

stopOnSignals(
  [
    { name: "server", stop: () => server.stop() },
    { name: "committer", stop: () => committer.stop() },
    { name: "expiry", stop: () => expiry.stop(WORKER_STOP_MS) },
    { name: "admission", stop: () => admission.stop(WORKER_STOP_MS) },
    { name: "relay", stop: () => relay.stop(WORKER_STOP_MS) },
    { name: "functions", stop: () => functions.end({ timeout: POOL_STOP_S }) },
    { name: "reads", stop: () => reads.sql.end({ timeout: POOL_STOP_S }) },
  ],
  log,
);
