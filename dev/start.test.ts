import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { until } from "../test/until.ts";
import { freePort } from "./ports.ts";
import { identify } from "./processes.ts";

const CHECKOUT = join(import.meta.dir, "..");
const folder = mkdtempSync(join(tmpdir(), "start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const START_TIMEOUT_MS = 100_000;

async function environment(): Promise<Record<string, string>> {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME, WALLET_PORT: String(await freePort()), HISTORY_PORT: String(await freePort()) };
}

function spawn(data: string, env: Record<string, string>) {
  return Bun.spawn([process.execPath, "--no-env-file", "dev/start.ts", data], {
    cwd: CHECKOUT,
    env: { ...env, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** What a start that cannot work says on its error output, with the exit code before it. */
async function failure(data: string, env: Record<string, string>): Promise<string> {
  const start = spawn(data, env);
  const [errors, code] = await Promise.all([start.stderr.text(), start.exited, start.stdout.text()]);
  return `${code} ${errors.trim()}`;
}

/** A PATH with all its programs but one. */
function pathWithout(program: string): string {
  const without = join(folder, `without-${program}`);
  mkdirSync(without);
  const programs = new Map<string, string>();
  for (const from of (process.env.PATH ?? "").split(delimiter).filter((each) => existsSync(each))) {
    for (const name of readdirSync(from)) if (!programs.has(name)) programs.set(name, join(from, name));
  }
  programs.delete(program);
  for (const [name, path] of programs) symlinkSync(path, join(without, name));
  return without;
}

describe("a start that cannot work says in one line what to do", () => {
  test("where a port is in use", async () => {
    const env = await environment();
    const squatter = Bun.listen({
      hostname: "127.0.0.1",
      port: Number(env.HISTORY_PORT),
      socket: { data: () => undefined },
    });
    const said = await failure(join(folder, "port"), env);
    squatter.stop(true);
    expect(said).toMatch(
      /^1 Cannot start: Port \d+, where the history server listens, is in use: .*HISTORY_PORT=\d+ bun start`\.$/,
    );
  });

  test("where there is no Java", async () => {
    const said = await failure(join(folder, "java"), { ...(await environment()), PATH: pathWithout("java") });
    expect(said).toMatch(/^1 Cannot start: The local Kafka needs Java 17, and there is none: .*$/);
    for (const choice of ["apt-get install", "brew install", "docker compose up", "KAFKA_BROKERS="])
      expect(said).toContain(choice);
  });

  test("where the folder cannot be written to", async () => {
    writeFileSync(join(folder, "file"), "in the way");
    const said = await failure(join(folder, "file", "data"), await environment());
    expect(said).toMatch(/^1 Cannot start: The folder .* cannot be written to: .*chown.*\.$/);
  });

  test("where the configuration is wrong", async () => {
    const said = await failure(join(folder, "config"), { ...(await environment()), KAFKA_BROKERS: "nonsense" });
    expect(said).toMatch(/^1 Cannot start: KAFKA_BROKERS is not a list of brokers: .*$/);
  });

  test("where the database that it is told to use is not there", async () => {
    const database = `postgres://me:hunter2@127.0.0.1:${await freePort()}/wallet`;
    const env = { ...(await environment()), DATABASE_URL: database, KAFKA_BROKERS: "127.0.0.1:1" };
    const said = await failure(join(folder, "database"), env);
    expect(said).toMatch(/^1 Cannot start: The database cannot be used .*DATABASE_URL.*$/);
    expect(said).not.toContain("hunter2");
  });
});

describe("a start", () => {
  test(
    "shows commands that work, cleans up after a kill -9, starts again what dies, and leaves nothing behind",
    async () => {
      const data = join(folder, "whole");
      const env = await environment();
      const first = await ready(spawn(data, env));
      expect(first.shown).toMatch(/\d+ ms after its answer the history had\n.*TRANSFER_OUT {2}alice → bob/);
      const [transfer = "", history = ""] = [...first.shown.matchAll(/^ {2}(curl .*)$/gm)].map(
        ([, command]) => command,
      );
      const paste = (command: string) => JSON.parse(Bun.spawnSync(["sh", "-c", command]).stdout.toString());
      const { id } = paste(transfer);
      await until(() => paste(history).items[0].transfer_id === id, { what: "the pasted transfer is in the history" });
      first.start.kill("SIGKILL");
      await first.start.exited;
      const left = processes(data);
      expect(left.filter((pid) => identify(pid) !== null)).toHaveLength(4);

      const second = await ready(spawn(data, env));
      expect(left.filter((pid) => identify(pid) !== null)).toEqual([]);
      const chaos = Bun.spawn([process.execPath, "--no-env-file", "dev/demo.ts", "--chaos", data], {
        cwd: CHECKOUT,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [told, errors] = await Promise.all([chaos.stdout.text(), chaos.stderr.text()]);
      expect([await chaos.exited, errors]).toEqual([0, ""]);
      for (const part of [
        "kill -9 of the history server",
        "no answer",
        "answers again",
        "gaps: 0",
        "✓ I5 ",
        "✓ all was as told",
      ])
        expect(told).toContain(part);
      const running = processes(data);
      second.start.kill("SIGINT");
      expect(await second.start.exited).toBe(0);
      expect(running.filter((pid) => identify(pid) !== null)).toEqual([]);
    },
    2 * START_TIMEOUT_MS,
  );
});

async function ready(start: ReturnType<typeof spawn>): Promise<{ start: ReturnType<typeof spawn>; shown: string }> {
  let shown = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of start.stdout) shown += decoder.decode(chunk, { stream: true });
  })();
  const ended = start.exited.then(async (code) => {
    throw new Error(`The start ended with code ${code}: ${await start.stderr.text()}\n${shown}`);
  });
  ended.catch(() => undefined);
  const isReady = until(() => shown.includes("Ctrl-C stops everything"), {
    timeout_ms: START_TIMEOUT_MS,
    what: "the start is ready",
  });
  await Promise.race([isReady, ended]);
  return { start, shown };
}

/** The servers of a start: both services, PostgreSQL, Kafka. */
function processes(data: string): number[] {
  const noted = ["wallet.process.json", "history.process.json", "kafka/process.json"];
  return [
    ...noted.map((name) => Number(JSON.parse(readFileSync(join(data, name), "utf8")).pid)),
    Number(readFileSync(join(data, "postgres/data/postmaster.pid"), "utf8").split("\n")[0]),
  ];
}
