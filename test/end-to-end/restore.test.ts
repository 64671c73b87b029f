import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import postgres from "postgres";
import type { RunningPostgres } from "../../dev/postgres.ts";
import { check, failures } from "../../sql/check.ts";
import { migrate } from "../../sql/migrate.ts";
import { cluster, clusterFolder, createTopics, type RunningService, spawnService, until } from "../cluster.ts";
import { archiveAll, type Backup, baseBackup, copyRows, restore, startArchiving, startEmpty } from "./backup.ts";
import { get, historyOf, isAtWork, openFunded, post } from "./system.ts";

/** The drill of docs/operations.md: both databases are lost and come back, by each of the ways that it names. */

const CHECKOUT = join(import.meta.dir, "../..");
const SILENT = { info: () => undefined };
/** Five servers start, one after the other, and each is recovered or migrated. */
setDefaultTimeout(90_000);
const SERVICES = ["wallet", "history"] as const;

interface Databases {
  readonly wallet: string;
  readonly history: string;
}

interface Servers {
  readonly wallet: RunningService;
  readonly history: RunningService;
}

let folder: string;
let broker: Readonly<Record<string, string>>;
const servers: RunningPostgres[] = [];
const services: RunningService[] = [];

beforeAll(async () => {
  const [{ kafka_brokers }, topics] = await Promise.all([cluster(), createTopics("restore")]);
  folder = join(await clusterFolder(), "restore");
  broker = {
    KAFKA_BROKERS: kafka_brokers.join(","),
    KAFKA_TOPIC: topics.wallet_topic,
    KAFKA_LEDGER_TOPIC: topics.ledger_topic,
    KAFKA_GROUP_ID: topics.group_id,
    KAFKA_LEDGER_GROUP_ID: topics.ledger_group_id,
    LOG_LEVEL: "warn",
  };
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.kill("SIGKILL")));
  await Promise.all(servers.map((server) => server.stop("immediate")));
});

describe("the databases come back from their backups", () => {
  let first: RunningPostgres;
  let databases: Databases;
  let running: Servers;
  let backup: Backup;
  let [alice, bob] = ["", ""];
  const answered: string[] = [];

  const pay = async (amount: string): Promise<void> => {
    const { status, body } = await post(running.wallet, `/wallets/${alice}/transfer`, { to_wallet_id: bob, amount });
    expect(status).toBe(201);
    answered.push(body.id);
  };
  const payBySaga = async (): Promise<void> => {
    const saga = {
      sender_wallet_id: bob,
      receiver_wallet_id: alice,
      amount: "1",
      idempotency_key: crypto.randomUUID(),
    };
    const { body } = await post(running.wallet, "/transactions", saga, { prefer: "wait=20" });
    expect(body.status).toBe("SUCCESS");
    answered.push(body.id);
  };

  test("a base backup of a system at work, and what it has written since: nothing that was answered is lost", async () => {
    const began = new Date();
    first = await started(startArchiving(join(folder, "first")));
    databases = await newDatabases(first);
    running = await startServices(databases);
    alice = await openFunded(running.wallet, "alice", "1000");
    bob = await openFunded(running.wallet, "bob", "10");
    let isCopied = false;
    const copying = baseBackup(first.url, join(folder, "first"), join(folder, "backup")).finally(() => {
      isCopied = true;
    });
    while (!isCopied) await pay("0.01");
    backup = await copying;
    await payBySaga();
    for (let payment = 1; payment <= 20; payment += 1) await pay("0.02");
    await archiveAll(first.url);
    await first.kill();
    await endServices(running);

    const second = await started(restore(backup, join(folder, "second"), "all"));
    databases = on(second);
    running = await startServices(databases);
    for (const id of answered) expect((await get(running.wallet, `/transactions/${id}`)).status).toBe(200);
    // What was stored after the last WAL that was archived is lost, and the group's offset is beyond it: a gap, until the
    // events come again.
    await republish(began);
    await pay("0.03");
    await payBySaga();
    await isSound(databases, running);
    // It is the same system still: the relay goes on from where the backup and its WAL say that it was.
    expect(running.wallet.output() + running.history.output()).not.toContain("restored from another server");
  });

  test("a dump, restored on another server: the relays stop and say so, and go on after `republish`", async () => {
    await endServices(running);
    const third = await started(startEmpty(join(folder, "third")));
    const copied = await newDatabases(third);
    for (const service of SERVICES) await copyRows(databases[service], copied[service], service, join(folder, "dump"));
    databases = copied;
    running = await startServices(databases);
    await until(() => SERVICES.every((service) => running[service].output().includes("bun run republish")), {
      timeout_ms: 20_000,
      what: "both relays say that their database was restored from another server",
    });
    // Money moves meanwhile, and its events wait.
    await pay("0.04");
    const { body } = await get(running.wallet, "/health");
    expect(body.checks.broker).toBe("degraded");

    const told = await command("sql/republish.ts", ["--from", "2020-01-01T00:00:00Z"], databases);
    expect(told.stdout).toMatch(
      /^wallet: \d\d+ events wait to be published\nhistory: \d+ events wait to be published\n$/,
    );
    await pay("0.05");
    await payBySaga();
    await isSound(databases, running);
  });

  test("a history that is lost altogether: a new one is rebuilt out of the topics while the servers run", async () => {
    await running.history.kill();
    const admin = postgres(databases.history, { max: 1, database: "postgres", onnotice: () => undefined });
    await admin`drop database history with (force)`;
    await admin`create database history`;
    await admin.end();
    await migrate(databases, SILENT);
    running = { ...running, history: await spawn("history", databases) };
    await isAtWork(running.history);
    await pay("0.06");
    const rebuilt = await command("history/rebuild.ts", ["--swap"], databases);
    expect(rebuilt.code).toBe(0);
    await pay("0.07");
    await payBySaga();
    await isSound(databases, running);
  });

  test("a wallet database that is older than its history is found by `check`, not papered over", async () => {
    await endServices(running);
    const old = await started(restore(backup, join(folder, "old"), "backup"));
    const report = await check({ wallet: on(old).wallet, history: databases.history });
    expect(failures(report)).toContain("I5");
  });

  /** Both outboxes are sent again from there on, as the owner. */
  async function republish(from: Date): Promise<void> {
    const told = await command("sql/republish.ts", ["--from", from.toISOString()], databases);
    expect(told.stdout).toMatch(
      /^wallet: \d\d+ events wait to be published\nhistory: \d+ events wait to be published\n$/,
    );
  }

  /** All invariants hold, once the history has what the wallets say. */
  async function isSound(where: Databases, { wallet, history }: Servers): Promise<void> {
    for (const id of [alice, bob]) {
      const { body } = await get(wallet, `/wallets/${id}`);
      expect(await historyOf(history, id, body.version)).not.toEqual([]);
    }
    const report = await check(where);
    expect(report.results.length).toBeGreaterThan(10);
    expect(failures(report)).toBe("");
  }
});

async function started(starting: Promise<RunningPostgres>): Promise<RunningPostgres> {
  const server = await starting;
  servers.push(server);
  return server;
}

function on({ url }: RunningPostgres): Databases {
  const named = (name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  return { wallet: named("wallet"), history: named("history") };
}

async function newDatabases(server: RunningPostgres): Promise<Databases> {
  const sql = postgres(server.url, { max: 1 });
  for (const service of SERVICES) await sql`create database ${sql(service)}`;
  await migrate(on(server), SILENT);
  for (const service of SERVICES)
    await sql`create role ${sql(loginOf(service))} login password 'only-for-the-drill' in role ${sql(`${service}_app`)}`;
  await sql.end();
  return on(server);
}

/** A login that owns nothing, as docs/operations.md has one for each service. */
const loginOf = (service: "wallet" | "history"): string => `${service}_server`;

function asServer(service: "wallet" | "history", databases: Databases): Databases {
  const url = new URL(databases[service]);
  url.username = loginOf(service);
  url.password = "only-for-the-drill";
  return { ...databases, [service]: url.href };
}

const environment = ({ wallet, history }: Databases) => ({
  ...broker,
  WALLET_DATABASE_URL: wallet,
  HISTORY_DATABASE_URL: history,
});

async function spawn(service: "wallet" | "history", databases: Databases): Promise<RunningService> {
  const spawned = await spawnService(service, environment(asServer(service, databases)));
  services.push(spawned);
  return spawned;
}

async function startServices(databases: Databases): Promise<Servers> {
  const [wallet, history] = await Promise.all([spawn("wallet", databases), spawn("history", databases)]);
  await Promise.all([wallet, history].map(isAtWork));
  return { wallet, history };
}

async function endServices({ wallet, history }: Servers): Promise<void> {
  await Promise.all([wallet.kill("SIGKILL"), history.kill("SIGKILL")]);
}

/** A command of an operator, as a process. */
async function command(file: string, args: string[], databases: Databases): Promise<{ stdout: string; code: number }> {
  const process_ = Bun.spawn([process.execPath, "--no-env-file", file, ...args], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment(databases) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { stdout: await process_.stdout.text(), code: await process_.exited };
}
