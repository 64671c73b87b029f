/** The jars of the local Kafka broker: fetched once by Maven from Maven Central, shared by every broker of a checkout. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { record, recorded } from "./processes.ts";
import { SetupError } from "./setup-error.ts";

/** Kafka 4 needs Java 17. */
const JAVA_VERSION = 17;
/** 43 MB; a slow line takes its time, a broken one ends with Maven's own error. */
const FETCH_TIMEOUT_MS = 15 * 60_000;
const POLL_MS = 100;

const CHOICES =
  "install both with `apt-get install -y openjdk-17-jre-headless maven` (macOS: `brew install openjdk@17 maven`), or take a broker from Docker with `docker compose up -d --wait redpanda && KAFKA_BROKERS=localhost:19092 bun start`, or name one of your own with `KAFKA_BROKERS=host:port bun start`";

/** Throws, naming the choices with the command for each, unless a Java that Kafka accepts is on the PATH. */
export function requireJava(): void {
  const java = Bun.which("java");
  const output = java === null ? "" : Bun.spawnSync([java, "-version"], { stderr: "pipe" }).stderr.toString();
  const found = /version "(\d+)/.exec(output)?.[1];
  if (found === undefined)
    throw new SetupError(`The local Kafka needs Java ${JAVA_VERSION}, and there is none: ${CHOICES}`);
  if (Number(found) < JAVA_VERSION) {
    throw new SetupError(`The local Kafka needs Java ${JAVA_VERSION} or later, and this is Java ${found}: ${CHOICES}`);
  }
}

/**
 * The folder with the jars that pom.xml names, below `cacheDir`; fetched if they are missing. Several processes may ask
 * at once: one fetches, the others wait.
 */
export async function kafkaLibs(cacheDir: string, log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const pom = join(import.meta.dir, "pom.xml");
  const cache = resolve(cacheDir);
  const libs = join(cache, `libs-${Bun.hash(readFileSync(pom)).toString(36)}`);
  if (existsSync(libs)) return libs;
  const maven = Bun.which("mvn");
  if (maven === null) throw new SetupError(`The local Kafka is fetched by Maven, and there is none: ${CHOICES}`);

  mkdirSync(cache, { recursive: true });
  const owner = join(cache, "fetching.json");
  const deadline = performance.now() + FETCH_TIMEOUT_MS;
  while (recorded(owner) !== null && performance.now() < deadline) {
    if (existsSync(libs)) return libs;
    await Bun.sleep(POLL_MS);
  }
  if (existsSync(libs)) return libs;
  record(owner, process.pid);
  try {
    await fetchJars({ maven, pom, libs, log, signal });
  } finally {
    rmSync(owner, { force: true });
  }
  return libs;
}

interface Fetch {
  maven: string;
  pom: string;
  libs: string;
  log: (line: string) => void;
  signal: AbortSignal | undefined;
}

async function fetchJars({ maven, pom, libs, log, signal }: Fetch): Promise<void> {
  // Under another name until it is whole, so that a download cut short is never taken for the broker.
  const unfinished = `${libs}.${process.pid}`;
  log("fetching Apache Kafka from Maven Central (43 MB, once)");
  const child = Bun.spawn(
    [
      maven,
      "-B",
      "-f",
      pom,
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${unfinished}`,
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "ignore", timeout: FETCH_TIMEOUT_MS, ...(signal && { signal }) },
  );
  const errors: string[] = [];
  for await (const line of lines(child.stdout)) {
    const jar = /Downloaded from \S+: \S+\/(\S+\.jar) \((.+)\)/.exec(line);
    if (jar) log(`fetched ${jar[1]} (${jar[2]})`);
    if (line.startsWith("[ERROR]")) errors.push(line.slice("[ERROR] ".length).trim());
  }
  const code = await child.exited;
  if (code !== 0 || !hasJars(unfinished)) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new SetupError(
      `Maven could not fetch Kafka (${errors[0] ?? `exit ${code}`}): look at the network, or ${CHOICES}`,
    );
  }
  if (!existsSync(libs)) renameSync(unfinished, libs);
  rmSync(unfinished, { recursive: true, force: true });
}

function hasJars(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => /^kafka_.*\.jar$/.test(name));
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}
