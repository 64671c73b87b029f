/** A local broker: Apache Kafka 4.1 as one process in KRaft mode, without Docker. It speaks the protocol of Redpanda. */
import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type SecureListener, scramArguments, withSecureListener } from "./broker-security.ts";
import { writableFolder } from "./folder.ts";
import { requireJava } from "./kafka-libs.ts";
import { answersMetadata } from "./kafka-probe.ts";
import { freePort, isPortFree, keptPort } from "./ports.ts";
import { end, forget, record, recorded } from "./processes.ts";
import { SetupError, seeLog } from "./setup-error.ts";

export interface BrokerOptions {
  /** Folder of the data, the log, the configuration and the kept ports; made if it is missing. */
  dataDir: string;
  /** The jars, from kafkaLibs(). */
  libsDir: string;
  /** A fixed port; without one, a free port is taken and kept in the folder. */
  port?: number;
  /** A second listener, for clients that encrypt and log in; the plain one stays, for the broker itself. */
  secure?: SecureListener;
  /**
   * For how long the controller waits for the broker's word before it takes the partitions from it; 2 s if left out. A disk that is slow
   * for as long costs a moment without leaders, and after a kill -9 the broker is let in only when it is over.
   */
  session_ms?: number;
  /** Told what happens, in words. */
  log?: (line: string) => void;
}

export interface RunningBroker {
  /** What KAFKA_BROKERS takes. */
  brokers: string;
  port: number;
  pid: number;
  /** Resolves with the exit code when the broker has ended, for whatever reason. */
  exited: Promise<number>;
  /** Ends it in order: everything is written out, and the next start has nothing to recover. */
  stop(): Promise<void>;
  /** SIGKILL, as the kernel would send it. */
  kill(): Promise<void>;
}

/** Kafka's own default is 9 s, which a start after a kill -9 would wait for. */
const SESSION_MS = 2_000;
/** Up in 2 s on an idle machine; the rest is for a busy one, and for recovery after a crash. */
const START_TIMEOUT_MS = 90_000;
const POLL_MS = 50;
const STOP_MS = 20_000;
const KILL_MS = 5_000;
const PORT_TRIES = 5;

/** Any value: a checkout's brokers are alone in their clusters. */
const CLUSTER_ID = "d2FsbGV0LWxvY2FsLWRldg";

/** Small heap and the simplest compiler and collector: quick to start, 350 MB, and fast enough for 30,000 events a second. */
const JVM = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"];

/** Starts the broker, formatting its data folder at the first start, and resolves when it answers a metadata request. */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const folder = resolve(options.dataDir);
  const log = options.log ?? (() => undefined);
  requireJava();
  writableFolder(folder);
  await endLeftoverBroker(folder, log);

  const deadline = performance.now() + START_TIMEOUT_MS;
  for (let attempt = 1; ; attempt++) {
    const ports = await choosePorts(options.port, folder);
    const properties = writeProperties(folder, ports, options);
    await format(folder, options, properties);
    const started = await launch(folder, options.libsDir, properties, ports.broker, deadline);
    if (started.ok) return running(started.child, ports.broker, folder);
    const portTaken = /Address already in use|Failed to bind/.test(started.output);
    if (!(portTaken && options.port === undefined && attempt < PORT_TRIES)) throw startFailure(started.output, folder);
  }
}

interface Ports {
  broker: number;
  controller: number;
}

async function choosePorts(fixed: number | undefined, folder: string): Promise<Ports> {
  const controller = await keptPort(join(folder, "controller-port"));
  if (fixed === undefined) return { broker: await keptPort(join(folder, "port")), controller };
  if (await isPortFree(fixed)) return { broker: fixed, controller };
  throw new SetupError(
    `Port ${fixed}, asked for Kafka, is in use: end what \`ss -ltnp "sport = :${fixed}"\` names, or choose another (free now: ${await freePort()})`,
  );
}

function writeProperties(folder: string, ports: Ports, { secure, session_ms = SESSION_MS }: BrokerOptions): string {
  const settings = withSecureListener(secure, {
    "process.roles": "broker,controller",
    "node.id": "1",
    // A static quorum: with a dynamic one the controller's port would be part of the data and could not change.
    "controller.quorum.voters": `1@127.0.0.1:${ports.controller}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${ports.broker}`,
    "log.dirs": join(folder, "data"),
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": String(session_ms),
    "broker.heartbeat.interval.ms": "500",
  });
  const file = join(folder, "server.properties");
  writeFileSync(
    file,
    `${Object.entries(settings)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n")}\n`,
  );
  return file;
}

function java(libsDir: string, main: string): string[] {
  return ["java", ...JVM, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", join(resolve(libsDir), "*"), main];
}

async function format(folder: string, { libsDir, secure }: BrokerOptions, properties: string): Promise<void> {
  const stamp = join(folder, "formatted");
  if (existsSync(stamp)) return;
  rmSync(join(folder, "data"), { recursive: true, force: true });
  const child = Bun.spawn(
    [
      ...java(libsDir, "kafka.tools.StorageTool"),
      ...["format", "--cluster-id", CLUSTER_ID, "-c", properties],
      ...scramArguments(secure),
    ],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw startFailure(output + errors, folder);
  writeFileSync(`${stamp}.unfinished`, "");
  renameSync(`${stamp}.unfinished`, stamp);
}

/** Ends the broker that an earlier, suddenly killed start has left on this folder. */
export async function endLeftoverBroker(folder: string, log: (line: string) => void): Promise<void> {
  const identity = recorded(join(folder, "process.json"));
  if (identity === null) return;
  log(`ending the Kafka (process ${identity.pid}) that an earlier start left behind`);
  const gone = await end(identity, [
    { signal: "SIGTERM", wait_ms: STOP_MS },
    { signal: "SIGKILL", wait_ms: KILL_MS },
  ]);
  if (!gone) {
    throw new SetupError(
      `An earlier Kafka (process ${identity.pid}) does not end: end it with \`kill -9 ${identity.pid}\``,
    );
  }
}

type Started = { ok: true; child: Bun.Subprocess } | { ok: false; output: string };

async function launch(
  folder: string,
  libsDir: string,
  properties: string,
  port: number,
  deadline: number,
): Promise<Started> {
  const logFile = join(folder, "kafka.log");
  const output = openSync(logFile, "a");
  const from = Bun.file(logFile).size;
  const child = Bun.spawn([...java(libsDir, "kafka.Kafka"), properties], {
    stdio: ["ignore", output, output],
    // In a session of its own, so that Ctrl-C in the terminal reaches the one that started it, which stops it in order.
    detached: true,
  });
  closeSync(output);
  record(join(folder, "process.json"), child.pid);
  while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    if (await answersMetadata(port)) return { ok: true, child };
    await Bun.sleep(POLL_MS);
  }
  child.kill("SIGKILL");
  await child.exited;
  forget(join(folder, "process.json"));
  return { ok: false, output: await Bun.file(logFile).slice(from).text() };
}

function running(child: Bun.Subprocess, port: number, folder: string): RunningBroker {
  const stopWith = async (steps: readonly { signal: NodeJS.Signals; wait_ms: number }[]) => {
    for (const { signal, wait_ms } of steps) {
      child.kill(signal);
      if (await Promise.race([child.exited.then(() => true), Bun.sleep(wait_ms).then(() => false)])) break;
    }
    forget(join(folder, "process.json"));
  };
  const kill = { signal: "SIGKILL", wait_ms: KILL_MS } as const;
  return {
    brokers: `127.0.0.1:${port}`,
    port,
    pid: child.pid,
    exited: child.exited,
    stop: () => stopWith([{ signal: "SIGTERM", wait_ms: STOP_MS }, kill]),
    kill: () => stopWith([kill]),
  };
}

function startFailure(output: string, folder: string): SetupError {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const line = lines.find((each) => /ERROR|Exception|FATAL/.test(each)) ?? lines.at(-1) ?? "no message";
  return new SetupError(`The local Kafka did not start: ${line.trim()} (${seeLog(join(folder, "kafka.log"))})`);
}
