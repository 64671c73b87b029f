/**
 * The PostgreSQL and the broker of one test run, kept by a process of their own: when the run ends, however suddenly,
 * it ends the servers and removes their data.
 *
 * Called as `bun test/cluster-servers.ts <folder>` with the run's process noted in the folder's run.json; leaves
 * cluster.json there when both accept clients, or failure.txt. SIGTERM ends it early.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../dev/broker.ts";
import { kafkaLibs } from "../dev/kafka-libs.ts";
import { startPostgres } from "../dev/postgres.ts";
import { record, recorded } from "../dev/processes.ts";
import { messageOf } from "../dev/setup-error.ts";
import { endServices } from "./run-folder.ts";

/** This broker is never killed, and many tests at a time keep the disk busy: it must not lose its partitions over that. */
const SESSION_MS = 30_000;
/** How long the servers may outlive a run that was killed. */
const LOOK_MS = 200;

/** Many tests, each with the pools of several services, share one server, and so do the processes that run them. */
const SETTINGS = { max_connections: "600" };

const [, , folder = ""] = process.argv;
if (folder === "") throw new Error("usage: bun test/cluster-servers.ts <folder>");
const log = (line: string): void => console.error(`test cluster: ${line}`);

const told = new AbortController();
process.on("SIGTERM", () => told.abort());
// Ctrl-C in the terminal is for the run, whose end is seen here soon enough.
process.on("SIGINT", () => undefined);

mkdirSync(join(folder, "services"), { recursive: true });
record(join(folder, "keeper.json"), process.pid);
const [postgres, broker] = await Promise.allSettled([
  startPostgres({ dataDir: join(folder, "postgres"), settings: SETTINGS, temporary: true, log }),
  kafkaLibs(join(import.meta.dir, "../.data/kafka"), log).then((libsDir) =>
    startBroker({ dataDir: join(folder, "kafka"), libsDir, session_ms: SESSION_MS, log }),
  ),
]);
if (postgres.status === "fulfilled" && broker.status === "fulfilled") {
  publish("cluster.json", JSON.stringify({ admin_url: postgres.value.url, kafka_brokers: [broker.value.brokers] }));
} else {
  const reasons = [postgres, broker].flatMap((each) => (each.status === "rejected" ? [messageOf(each.reason)] : []));
  publish("failure.txt", reasons.join("\n"));
}
while (!told.signal.aborted && recorded(join(folder, "run.json")) !== null) await Bun.sleep(LOOK_MS);

// The services first: they would only complain about the loss of the others.
await endServices(folder);
if (broker.status === "fulfilled") await broker.value.kill();
if (postgres.status === "fulfilled") await postgres.value.stop("immediate");
rmSync(folder, { recursive: true, force: true });
process.exit(0);

/** Whoever waits for the file finds it whole. */
function publish(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.unfinished`), text);
  renameSync(join(folder, `${name}.unfinished`), join(folder, name));
}
