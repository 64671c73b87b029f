import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../dev/ports.ts";
import { spawnService, until } from "../test/cluster.ts";
import { type Ground, get, openFunded, post, prepareGround } from "../test/end-to-end/system.ts";
import { createSchedule, type Schedule } from "../test/schedule.ts";

/** The wallet service as a process: how it ends, told to and by itself. */

/** What supervises a process kills it after this time. */
const STOP_WITHIN_MS = 10_000;
const STARTED_WITHIN_MS = 20_000;

let ground: Ground;
let schedule: Schedule;

beforeAll(async () => {
  ground = await prepareGround("wallet main");
  schedule = createSchedule(ground.database.url);
});

afterAll(async () => {
  await schedule.end();
  await ground.database.drop();
});

async function startLeading() {
  const service = await spawnService("wallet", { ...ground.env, LOG_LEVEL: "info" });
  await until(async () => /relay_leader\{.*\} 1/.test(await (await fetch(`${service.url}/metrics`)).text()), {
    timeout_ms: STARTED_WITHIN_MS,
    what: "the relay has the lease",
  });
  return service;
}

const unsent = async () =>
  (await schedule.owner<{ events: string }[]>`select events from measure_outbox(10)`)[0]?.events;
const linesOf = (output: string): { level: string; msg: string }[] =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

describe("the wallet service that is told to stop", () => {
  test("answers what it has taken, takes nothing more, hands everything back, and ends with 0", async () => {
    const service = await startLeading();
    const wallet = await openFunded(service, "alice", "5");
    const lock = await schedule.hold((session) => session`select from wallets where id = ${wallet} for update`);
    const underWay = post(service, `/wallets/${wallet}/fund`, { amount: "1" });
    await schedule.blocked();
    const asked = performance.now();
    const ended = service.kill();
    await until(
      () =>
        fetch(`${service.url}/health/live`).then(
          () => false,
          () => true,
        ),
      { what: "nobody is let in" },
    );
    await lock.commit();
    expect((await underWay).status).toBe(201);
    expect(await ended).toBe(0);
    expect(performance.now() - asked).toBeLessThan(STOP_WITHIN_MS);
    expect(linesOf(service.output()).at(-1)?.msg).toBe("stopped");
    const [lease] = await schedule.owner`select lease_until <= clock_timestamp() as free from relay_state`;
    expect(lease).toEqual({ free: true });
    const [left] = await schedule.owner`
      select count(*)::int as sessions from pg_stat_activity
       where datname = current_database() and application_name ~ '^wallet:(functions|reads|relay)'`;
    expect(left).toEqual({ sessions: 0 });
    // The event of the last answer may be the next process's to publish; it is not lost.
    const next = await startLeading();
    expect((await get(next, `/wallets/${wallet}`)).body).toMatchObject({ balance: "6.0000" });
    await until(async () => (await unsent()) === "0", { what: "everything is published" });
    expect(await next.kill("SIGINT")).toBe(0);
  });

  test("ends at once when it is told again", async () => {
    const service = await startLeading();
    const wallet = await openFunded(service, "bob", "5");
    const lock = await schedule.hold((session) => session`select from wallets where id = ${wallet} for update`);
    const underWay = post(service, `/wallets/${wallet}/fund`, { amount: "1" }).catch(() => "lost");
    await schedule.blocked();
    void service.kill();
    await until(() => service.output().includes('"stopping"'));
    const asked = performance.now();
    expect(await service.kill()).not.toBe(0);
    expect(performance.now() - asked).toBeLessThan(1_000);
    await underWay;
    await lock.commit();
  });

  test("ends in order without its database and its broker, too", async () => {
    const [database, broker] = [await freePort(), await freePort()];
    const service = await spawnService("wallet", {
      DATABASE_URL: `postgres://nobody@127.0.0.1:${database}/none`,
      KAFKA_BROKERS: `127.0.0.1:${broker}`,
      LOG_LEVEL: "info",
    });
    const asked = performance.now();
    expect(await service.kill()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(STOP_WITHIN_MS);
  });
});

/** Runs it until it ends by itself, which it has to. */
async function endOf(env: Readonly<Record<string, string>>) {
  const child = Bun.spawn([process.execPath, "--no-env-file", "wallet/main.ts"], {
    cwd: join(import.meta.dir, ".."),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, INVARIANTS_INTERVAL: "0", ...ground.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [code, output, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  return { code, last: linesOf(output).at(-1), errors };
}

describe("the wallet service ends by itself only for what it cannot mend, and says so in its last line", () => {
  test("a port that is taken", async () => {
    const squatter = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const { code, last } = await endOf({ PORT: String(squatter.port), HOST: "127.0.0.1" });
    squatter.stop();
    expect(code).toBe(1);
    expect(last).toMatchObject({ level: "fatal", msg: expect.stringContaining("another process listens there") });
  });

  test("a database that is older than the code", async () => {
    const [before] = await schedule.owner<
      { newest_migration: number }[]
    >`select newest_migration from schema_compatibility`;
    await schedule.owner`update schema_compatibility set newest_migration = 1`;
    const { code, last } = await endOf({ PORT: String(await freePort()) });
    await schedule.owner`update schema_compatibility set newest_migration = ${before?.newest_migration ?? 0}`;
    expect(code).toBe(1);
    expect(last).toMatchObject({ level: "fatal", msg: expect.stringContaining("migrate") });
  });

  test("a configuration that cannot be used", async () => {
    const { code, errors } = await endOf({ DATABASE_URL: "postgres://localhost/x?sslmode=prefer" });
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^The configuration is not usable:\n {2}- DATABASE_URL is not an address that is certain about TLS/,
    );
  });
});
