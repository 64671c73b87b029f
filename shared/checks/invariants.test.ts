import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Registry } from "prom-client";
import { asOwner, type Story, tell } from "../../sql/check.fixture.ts";
import { createDatabase, type TestDatabase, until } from "../../test/cluster.ts";
import { loadConfig } from "../config.ts";
import { createLog } from "../log.ts";
import type { Loop } from "../loop.ts";
import { readChecks } from "./files.ts";
import { watchInvariants, watchInvariantsOf } from "./invariants.ts";

const log = createLog({ service: "test", level: "silent", pretty: false });
const INTERVAL_MS = 20;
const STOP_MS = 5_000;

let database: TestDatabase;
let story: Story;

beforeAll(async () => {
  database = await createDatabase("invariants");
  story = await tell(database.url);
});
afterAll(() => database.drop());

type Values = Readonly<Record<string, number>>;

/** Runs the watch on the story's database; the test is given what the gauges say once it is what it waits for. */
async function watching(
  service: "wallet" | "history",
  act: (shown: (what: string, is: (values: Values) => boolean) => Promise<Values>) => Promise<void>,
): Promise<void> {
  const registry = new Registry();
  const loop: Loop = watchInvariants({ service, databaseUrl: database.url, registry, log, interval_ms: INTERVAL_MS });
  try {
    await act((what, is) =>
      until(
        async () => {
          // Between two runs it rests fifty times as long as it worked.
          loop.wake();
          const values = await valuesOf(registry, service);
          return is(values) && values;
        },
        { what, timeout_ms: 30_000 },
      ),
    );
  } finally {
    await loop.stop(STOP_MS);
  }
}

async function valuesOf(registry: Registry, service: string): Promise<Values> {
  const text = await registry.metrics();
  const found = text.matchAll(new RegExp(`^${service}_invariant_holds\\{check="(\\w+)"\\} (\\d)$`, "gm"));
  return Object.fromEntries([...found].map(([, name, value]) => [name, Number(value)]));
}

const allHold = (values: Values) =>
  Object.values(values).length > 0 && Object.values(values).every((value) => value === 1);

async function ownChecks(service: "wallet" | "history"): Promise<string[]> {
  const checks = await readChecks();
  return checks
    .filter((each) => each.kind === "statements" && each.when === "always" && each.schemas.includes(service))
    .map(({ name }) => name);
}

describe("a service shows whether its invariants hold", () => {
  test.each([
    [
      "wallet",
      "I3_balances_add_up",
      (): string => `update wallet.wallets set balance = balance + 1 where id = '${story.bob}'`,
      (): string => `update wallet.wallets set balance = balance - 1 where id = '${story.bob}'`,
    ],
    [
      "history",
      "I7_postings_balance",
      (): string => "update history.ledger_totals set debits = debits + 1",
      (): string => "update history.ledger_totals set debits = debits - 1",
    ],
  ] as const)("the %s service: 1, 0 as soon as a row is wrong, and 1 again", async (service, check, damage, mend) => {
    await watching(service, async (shown) => {
      const names = await ownChecks(service);
      const sound = await shown("all hold", (values) => allHold(values) && Object.keys(values).length === names.length);
      expect(Object.keys(sound).sort()).toEqual(names);
      await asOwner(database.url, (sql) => sql.unsafe(damage()));
      await shown("the damage is seen", (values) => values[check] === 0);
      await asOwner(database.url, (sql) => sql.unsafe(mend()));
      await shown("all hold again", allHold);
    });
  });

  test("what cannot be looked at shows nothing, and the others go on", async () => {
    await watching("history", async (shown) => {
      await shown("gaps are looked at", (values) => values.I6_no_gaps === 1);
      await asOwner(database.url, (sql) => sql`alter table history.gaps rename to mislaid`);
      const without = await shown("they are not", (values) => !("I6_no_gaps" in values));
      expect(without.I7_postings_balance).toBe(1);
      await asOwner(database.url, (sql) => sql`alter table history.mislaid rename to gaps`);
      await shown("gaps are looked at again", (values) => values.I6_no_gaps === 1);
    });
  });
});

describe("looking costs little", () => {
  test("between two runs there is no connection, and in one there is one, of the service's own role", async () => {
    const registry = new Registry();
    const seen = new Set<string>();
    const loop = watchInvariants({
      service: "wallet",
      databaseUrl: database.url,
      registry,
      log,
      interval_ms: INTERVAL_MS,
    });
    const sessions = () =>
      asOwner(
        database.url,
        (sql) => sql<{ pid: number; wait: boolean }[]>`
          select pid from pg_stat_activity where application_name = 'wallet:invariants' and datname = current_database()`,
      );
    await until(
      async () => {
        const now = await sessions();
        expect(now.length).toBeLessThanOrEqual(1);
        for (const { pid } of now) seen.add(String(pid));
        return seen.size > 0 && now.length === 0 && allHold(await valuesOf(registry, "wallet"));
      },
      { timeout_ms: 30_000, interval_ms: 5 },
    );
    await loop.stop(STOP_MS);
    const text = await registry.metrics();
    const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
    expect(value("wallet_invariants_last_run_timestamp_seconds")).toBeGreaterThan(Date.now() / 1_000 - 60);
    expect(value("wallet_invariants_last_run_duration_seconds")).toBeGreaterThan(0);
  });

  test.each([
    ["until it has time", 5, 6],
    ["for so long at most", Number.POSITIVE_INFINITY, 121],
  ])("a busy service is let be %s", async (_, busy_for, asked_before) => {
    const registry = new Registry();
    let asked = 0;
    const isBusy = (): boolean => {
      asked += 1;
      return asked <= busy_for;
    };
    const options = { service: "wallet", databaseUrl: database.url, registry, log, interval_ms: INTERVAL_MS } as const;
    const loop = watchInvariants({ ...options, isBusy });
    let asked_at_look: number | undefined;
    await until(
      async () => {
        loop.wake();
        const values = await valuesOf(registry, "wallet");
        if (Object.keys(values).length === 0) return false;
        asked_at_look ??= asked;
        return allHold(values);
      },
      { timeout_ms: 30_000, interval_ms: 1 },
    );
    await loop.stop(STOP_MS);
    expect(asked_at_look).toBe(asked_before);
  });

  test("it is turned off by 0, and may be told to come more rarely", () => {
    const env = { DATABASE_URL: database.url, KAFKA_BROKERS: "localhost:1" };
    const off = loadConfig("wallet", { ...env, INVARIANTS_INTERVAL: "0" });
    expect(watchInvariantsOf(off, new Registry(), log)).toEqual([]);
    expect(loadConfig("wallet", env).invariantsIntervalMs).toBe(60_000);
    expect(loadConfig("wallet", { ...env, INVARIANTS_INTERVAL: "3600" }).invariantsIntervalMs).toBe(3_600_000);
  });

  // A connection that is cut instead fails outside of any call, which ends a process; the test runner counts that as a failure.
  test("a watch that is told to stop, at any moment, ends with the check at work and leaves no error behind", async () => {
    for (let moment_ms = 0; moment_ms < 75; moment_ms += 1) {
      const loop = watchInvariants({
        service: moment_ms % 2 === 0 ? "wallet" : "history",
        databaseUrl: database.url,
        registry: new Registry(),
        log,
        interval_ms: 1,
      });
      await Bun.sleep(moment_ms);
      const begin = performance.now();
      await loop.stop(STOP_MS);
      expect(performance.now() - begin).toBeLessThan(STOP_MS / 2);
    }
  });
});
