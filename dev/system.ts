/** The whole system of `bun start`: what is missing is fetched and made, everything is started, and kept running. */
import { join, relative } from "node:path";
import pc from "picocolors";
import { type Config, ConfigError, loadConfig } from "../shared/config.ts";
import { createLog, type Log } from "../shared/log.ts";
import { migrate } from "../sql/migrate.ts";
import { startBroker } from "./broker.ts";
import { createTopics, PARTITIONS } from "./create-topic.ts";
import { createDatabase } from "./database.ts";
import { type Addresses, showExample } from "./example.ts";
import { kafkaLibs, requireJava } from "./kafka-libs.ts";
import { Parts } from "./parts.ts";
import { isPortFree } from "./ports.ts";
import { startPostgres } from "./postgres.ts";
import { createScreen, type Screen } from "./screen.ts";
import { seed } from "./seed.ts";
import { startServer } from "./servers.ts";
import { messageOf, SetupError, START } from "./setup-error.ts";
import { takeOver, whenLauncherEnds } from "./takeover.ts";

export interface StartOptions {
  checkout: string;
  /** Folder of everything that is kept from one start to the next. */
  data: string;
}

interface Run {
  checkout: string;
  data: string;
  screen: Screen;
  parts: Parts;
  log: Log;
  /** Aborted when everything is to end. */
  stopping: AbortController;
}

const DATABASE = "wallet";

/** Starts the system and keeps it running until a signal asks for its end. Throws SetupError for what the reader can mend. */
export async function startSystem({ checkout, data }: StartOptions): Promise<void> {
  const began = performance.now();
  const screen = createScreen(process.stdout.isTTY);
  screen.say(pc.bold("Digital wallet"));
  await takeOver(data, screen.progress);

  const stopping = new AbortController();
  let failure: SetupError | null = null;
  const parts = new Parts(screen.say, (error) => {
    failure = error;
    stopping.abort();
  });
  onSignals(stopping, parts, screen);
  const log = createLog({ service: "start", level: "warn", pretty: process.stdout.isTTY });
  try {
    await bringUp({ checkout, data, screen, parts, log, stopping }, began);
    await aborted(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) failure = error instanceof SetupError ? error : asSetupError(error);
  }
  await parts.stop();
  if (failure !== null) throw failure;
  screen.say("Stopped.");
  process.exit(0);
}

async function bringUp(run: Run, began: number): Promise<void> {
  const { screen } = run;
  const env = await infrastructure(run, process.env);
  const wallet = loadConfig("wallet", { ...env, PORT: "" });
  const history = loadConfig("history", { ...env, PORT: "" });
  await prepare(run, wallet, history);

  const urls: Addresses = { wallet: `http://localhost:${wallet.port}`, history: `http://localhost:${history.port}` };
  // The console is a page of the wallet's that reads the history.
  const origins = [...history.corsOrigins, urls.wallet, `http://127.0.0.1:${wallet.port}`].join(",");
  const start = async (config: Config, more: Record<string, string>): Promise<void> => {
    const { service, port } = config;
    const started = performance.now();
    const options = { service, port, checkout: run.checkout, data: run.data, env: { ...env, ...more } };
    await run.parts.add(`The ${service} server`, () => startServer(options));
    screen.done(service, urls[service], performance.now() - started);
  };
  await Promise.all([
    start(wallet, { CONSOLE_HISTORY_URL: wallet.consoleHistoryUrl ?? urls.history }),
    start(history, { CORS_ORIGINS: origins }),
  ]);

  screen.progress("a transfer between the example wallets");
  const example = await showExample(urls);
  screen.say(`\nReady in ${((performance.now() - began) / 1000).toFixed(1)} s. Open`);
  screen.say(`  ${pc.cyan(`${urls.wallet}/`)}          the console: all of it in a page`);
  screen.say(`  ${pc.cyan(`${urls.wallet}/swagger`)}   wallets, transfers, sagas`);
  screen.say(`  ${pc.cyan(`${urls.history}/swagger`)}   history, balances then, the ledger`);
  if (example !== null) {
    screen.say(`Try\n  ${example.transfer}\n  ${example.history}`);
    screen.say(
      `The first of them was just done once; ${Math.ceil(example.delay_ms)} ms after its answer the history had\n  ${example.line}`,
    );
  }
  screen.say(pc.dim(`Ctrl-C stops everything; data and logs stay in ${relative(run.checkout, run.data)}`));
}

/** PostgreSQL and Kafka, where the environment names none; gives the environment that names them. */
async function infrastructure(run: Run, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const ownDatabase = !env.DATABASE_URL && !(env.WALLET_DATABASE_URL && env.HISTORY_DATABASE_URL);
  const ownBroker = !env.KAFKA_BROKERS;
  const placeholders = {
    ...(ownDatabase ? { DATABASE_URL: "postgres://127.0.0.1/x" } : {}),
    ...(ownBroker ? { KAFKA_BROKERS: "127.0.0.1:1" } : {}),
  };
  // Everything that can be found out at once, before anything is fetched or started.
  for (const service of ["wallet", "history"] as const) {
    const { port } = loadConfig(service, { ...env, ...placeholders, PORT: "" });
    await requirePort(service, port);
  }
  if (ownBroker) requireJava();
  const [database, broker] = await Promise.all([
    ownDatabase ? embeddedPostgres(run) : {},
    ownBroker ? localKafka(run) : {},
  ]);
  return { ...env, ...database, ...broker };
}

async function embeddedPostgres({ data, screen, parts }: Run): Promise<{ DATABASE_URL: string }> {
  const began = performance.now();
  let port: { port?: number } = {};
  const options = { dataDir: join(data, "postgres"), log: screen.progress };
  const started = await parts.add("PostgreSQL", () => startPostgres({ ...options, ...port }));
  // From now on always this port: the servers know it.
  port = { port: started.port };
  const url = await createDatabase(started.url, DATABASE);
  screen.done("PostgreSQL 18", `127.0.0.1:${started.port}`, performance.now() - began);
  return { DATABASE_URL: url };
}

async function localKafka({ checkout, data, screen, parts, stopping }: Run): Promise<{ KAFKA_BROKERS: string }> {
  const began = performance.now();
  const libsDir = await kafkaLibs(join(checkout, ".data", "kafka"), screen.progress, stopping.signal);
  let port: { port?: number } = {};
  const options = { dataDir: join(data, "kafka"), libsDir, log: screen.progress };
  const started = await parts.add("Kafka", () => startBroker({ ...options, ...port }));
  port = { port: started.port };
  screen.done("Apache Kafka 4.1", started.brokers, performance.now() - began);
  return { KAFKA_BROKERS: started.brokers };
}

/** Tables, topics, example wallets. */
async function prepare({ screen, log }: Run, wallet: Config, history: Config): Promise<void> {
  let began = performance.now();
  const databases = { wallet: wallet.databaseUrl, history: history.databaseUrl };
  await orAdvise("The database cannot be used", "DATABASE_URL", () =>
    migrate(databases, { info: (_, line) => screen.progress(line) }),
  );
  screen.done("database", "up to date", performance.now() - began);

  began = performance.now();
  const topics = [wallet.kafka.topic, wallet.kafka.ledgerTopic];
  await orAdvise("The broker cannot be used", "KAFKA_BROKERS", () =>
    createTopics({ ...wallet.kafka, clientId: "start", log }, topics, wallet.kafka.replicationFactor),
  );
  screen.done("topics", `${topics.join(", ")} (${PARTITIONS} partitions)`, performance.now() - began);

  if (await seed(wallet.databaseUrl, log)) screen.done("example wallets", "made, of alice and bob");
}

async function orAdvise(what: string, variable: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const reason = messageOf(error).split("\n")[0];
    throw new SetupError(
      `${what} (${reason}): look at it and at ${variable}, or start without ${variable} for one that is brought along`,
    );
  }
}

async function requirePort(service: "wallet" | "history", port: number): Promise<void> {
  if (await isPortFree(port, "0.0.0.0")) return;
  const variable = `${service.toUpperCase()}_PORT`;
  throw new SetupError(
    `Port ${port}, where the ${service} server listens, is in use: end what \`ss -ltnp "sport = :${port}"\` names, or choose another with \`${variable}=${port + 10} ${START}\``,
  );
}

/** The first signal ends everything in order, a second one at once. */
function onSignals(stopping: AbortController, parts: Parts, screen: Screen): void {
  const stop = (): void => {
    if (stopping.signal.aborted) return;
    screen.say("\nStopping …");
    stopping.abort();
    void parts.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  whenLauncherEnds(stop);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    // A pending promise alone would not keep the process alive.
    const alive = setInterval(() => undefined, 60_000);
    signal.addEventListener("abort", () => clearInterval(alive), { once: true });
  });
}

/** What a person can mend by reading it, such as a database that refuses the login; anything else stays as it is. */
function asSetupError(error: unknown): SetupError {
  if (error instanceof ConfigError) return new SetupError(error.problems.join("; "));
  if (error instanceof Error) return new SetupError(error.message.split("\n")[0] ?? error.name);
  return new SetupError(String(error));
}
