import { describe, expect, test } from "bun:test";
import { createDatabase } from "../test/cluster.ts";
import { reportText } from "./check/command.ts";
import { apply, asOwner, deliver, type Story, tell } from "./check.fixture.ts";
import { type CheckOptions, type CheckReport, check, failures } from "./check.ts";

const NOW: CheckOptions = { wait_ms: 0 };

async function checkStory(act: (url: string, story: Story) => Promise<unknown>, options: CheckOptions = NOW) {
  const { url, drop } = await createDatabase("check");
  const story = await tell(url);
  await act(url, story);
  const report = await check({ wallet: url, history: url }, options);
  await drop();
  return { report, story };
}

const failed = (report: CheckReport) => report.results.filter(({ holds }) => holds === false).map(({ name }) => name);

describe("a sound system passes", () => {
  test("every kind of operation leaves all invariants standing", async () => {
    const { report } = await checkStory(async () => undefined);
    expect(failures(report)).toBe("");
    expect(report.holds).toBe(true);
    const invariants = report.results.map(({ invariant }) => invariant);
    expect(invariants).toEqual(expect.arrayContaining(["I1", "I2", "I3", "I4", "I5", "I6"]));
    const figures = Object.assign({}, ...report.results.map((result) => result.figures));
    expect(figures).toMatchObject({
      funded: "100.0000",
      withdrawn: "1.5000",
      balances: "98.5000",
      transfers: "2",
      held: "5.0000",
    });
  });

  test("so do two databases with nothing in them", async () => {
    const [wallet, history] = await Promise.all([createDatabase("check-w"), createDatabase("check-h")]);
    const report = await check({ wallet: wallet.url, history: history.url }, NOW);
    expect(failures(report)).toBe("");
    await Promise.all([wallet.drop(), history.drop()]);
  });
});

/** What is done to the database, and which check must name what. */
interface Damage {
  readonly what: string;
  readonly sql: (story: Story) => string;
  readonly found: string;
  readonly named: (story: Story) => string;
}

const EMPTY_JSON = "'{}'";
const DAMAGES: Damage[] = [
  {
    what: "a balance that came from nowhere",
    sql: ({ bob }) => `update wallet.wallets set balance = balance + 1 where id = '${bob}'`,
    found: "I1_money_conserved",
    named: () => '"difference":"1.0000"',
  },
  {
    what: "a transfer whose receiver got less",
    sql: ({ transfer }) =>
      `update wallet.wallet_transactions set amount = 9 where transfer_id = '${transfer}' and type = 'TRANSFER_IN'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a transfer with one line",
    sql: ({ transfer }) =>
      `delete from wallet.wallet_transactions where transfer_id = '${transfer}' and type = 'TRANSFER_IN'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a transfer that arrived twice",
    sql: ({ transfer }) => `
      insert into wallet.wallet_transactions
      select uuidv7(), wallet_id, 99, type, status, amount, balance_after, transfer_id, counterparty_wallet_id, null, null, null, created_at
      from wallet.wallet_transactions where transfer_id = '${transfer}' and type = 'TRANSFER_IN'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a negative balance",
    sql: ({ bob }) => `
      alter table wallet.wallets drop constraint wallets_balance_not_negative, drop constraint wallets_held_within_balance;
      update wallet.wallets set balance = -1 where id = '${bob}'`,
    found: "I2_holds",
    named: ({ bob }) => bob,
  },
  {
    what: "a hold that no saga has",
    sql: ({ bob }) => `update wallet.wallets set held = 1 where id = '${bob}'`,
    found: "I2_holds",
    named: ({ bob }) => bob,
  },
  {
    what: "a balance that is not the last line's",
    sql: ({ alice }) => `
      update wallet.wallet_transactions set balance_after = balance_after + 1
      where (wallet_id, wallet_version) = (
        select wallet_id, max(wallet_version) from wallet.wallet_transactions where wallet_id = '${alice}' group by wallet_id)`,
    found: "I3_balances_add_up",
    named: ({ alice }) => alice,
  },
  {
    what: "a line that does not continue the one before it",
    sql: ({ transfer }) => `update wallet.wallet_transactions set balance_after = 7 where id = '${transfer}'`,
    found: "I3_lines_continue",
    named: ({ transfer }) => transfer,
  },
  {
    what: "an answer of money that did not move",
    sql: ({ transfer }) => `update wallet.wallet_transactions set amount = 11 where id = '${transfer}'`,
    found: "I4_answers_happened",
    named: ({ transfer }) => transfer,
  },
  {
    what: "an answer that is not JSON",
    sql: () => "insert into wallet.idempotency_keys values ('odd', '', 201, 'nothing')",
    found: "I4_answers_happened",
    named: () => "odd",
  },
  {
    what: "a transfer that was never answered",
    sql: ({ transfer }) => `delete from wallet.idempotency_keys where response like '%"id":"${transfer}"%'`,
    found: "I4_lines_answered_once",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a saga that was answered under two keys",
    sql: ({ settled }) => `
      insert into wallet.idempotency_keys
      select 'again', fingerprint, status_code, response from wallet.idempotency_keys where response like '%"id":"${settled}"%'`,
    found: "I4_lines_answered_once",
    named: ({ settled }) => settled,
  },
  {
    what: "a refusal that moved money",
    sql: ({ refused }) =>
      `update wallet.wallet_transactions set balance_after = balance_after - 1 where id = '${refused}'`,
    found: "I4_refusals_moved_nothing",
    named: ({ refused }) => refused,
  },
  {
    what: "a refused saga that moved money",
    sql: ({ settled }) =>
      `update wallet.transfer_sagas set status = 'FAILED', failure_code = 'x' where id = '${settled}'`,
    found: "I4_refusals_moved_nothing",
    named: ({ settled }) => settled,
  },
  {
    what: "an event of another amount",
    sql: ({ transfer }) =>
      `update history.transaction_events set amount = 11, event_data = event_data || '{"amount":"11.0000"}' where transaction_id = '${transfer}'`,
    found: "I5_history_complete",
    named: ({ alice }) => alice,
  },
  {
    what: "an event that got lost",
    sql: ({ bob }) =>
      `delete from history.transaction_events where wallet_id = '${bob}' and event_type = 'WALLET_FROZEN'`,
    found: "I5_history_complete",
    named: ({ bob }) => bob,
  },
  {
    what: "a wallet that the history has never heard of",
    sql: ({ bob }) => `delete from history.transaction_events where wallet_id = '${bob}'`,
    found: "I5_history_complete",
    named: ({ bob }) => bob,
  },
  {
    what: "a wallet that only the history knows",
    sql: ({ alice, bob }) =>
      `insert into history.transaction_events
       select uuidv7(), '00000000-0000-7000-8000-000000000000', user_id, amount, event_type, transaction_id, 1, occurred_at, created_at, 1, 1, event_data
       from history.transaction_events where wallet_id in ('${alice}', '${bob}') limit 1`,
    found: "I5_history_complete",
    named: () => "00000000-0000-7000-8000-000000000000",
  },
  {
    what: "events out of the order of their time",
    sql: ({ alice }) =>
      `update history.transaction_events set occurred_at = occurred_at + interval '1 day' where wallet_id = '${alice}' and wallet_version = 2`,
    found: "I5_time_order",
    named: ({ alice }) => alice,
  },
  {
    what: "an event whose columns are not what it says",
    sql: ({ bob }) =>
      `update history.transaction_events set user_id = 'mallory' where wallet_id = '${bob}' and wallet_version = 2`,
    found: "I5_time_order",
    named: ({ bob }) => bob,
  },
  {
    what: "an event that was not published",
    sql: ({ alice }) =>
      `insert into history.outbox (event_id, aggregate_id, type, payload) values (uuidv7(), '${alice}', 'LEDGER_SUCCESS', ${EMPTY_JSON})`,
    found: "I6_outbox_sent",
    named: ({ alice }) => alice,
  },
  {
    what: "a dead letter",
    sql: () =>
      `insert into wallet.dead_letters (topic, partition, "offset", headers, reason) values ('t', 0, 0, ${EMPTY_JSON}, 'planted')`,
    found: "I6_no_dead_letters",
    named: () => "planted",
  },
  {
    what: "a gap",
    sql: ({ alice }) => `insert into history.gaps (wallet_id, from_version, to_version) values ('${alice}', 5, 6)`,
    found: "I6_no_gaps",
    named: ({ alice }) => alice,
  },
];

describe("what is wrong is found and named", () => {
  test.each(DAMAGES.map((damage) => [damage.what, damage] as const))("%s", async (_, { sql, found, named }) => {
    const { report, story } = await checkStory((url, told) =>
      asOwner(url, (owner) => owner.unsafe(sql(told)).simple()),
    );
    expect(report.holds).toBe(false);
    expect(failed(report)).toContain(found);
    const offending = report.results.filter(({ name, holds }) => name === found && holds === false);
    expect(JSON.stringify(offending.map((result) => result.offending))).toContain(named(story));
  });
});

describe("a system at work is judged up to where its history has come", () => {
  const fund = (id: string) => ({ kind: "FUND", id: Bun.randomUUIDv7(), wallet_id: id, amount: "3.0000" });

  test("events under way fail it at rest only", async () => {
    const act = (url: string, { alice }: Story) =>
      apply(url, [fund(alice), { kind: "CREATE", id: Bun.randomUUIDv7(), user_id: "new", currency: "USD" }]);
    const rest = await checkStory(act);
    expect(failed(rest.report)).toEqual(["I5_history_complete", "I6_outbox_sent"]);
    const live = await checkStory(act, { live: true });
    expect(failures(live.report)).toBe("");
    expect(
      live.report.results.find(({ name, where }) => name === "I6_outbox_sent" && where === "wallet")?.holds,
    ).toBeNull();
  });

  test("what it has seen must be right", async () => {
    const { report, story } = await checkStory(
      async (url, { alice, transfer }) => {
        await apply(url, [fund(alice)]);
        await asOwner(
          url,
          (sql) => sql`
        update history.transaction_events set event_data = event_data || '{"balance_after":"0.5000"}' where transaction_id = ${transfer}
          and wallet_id = ${alice}`,
        );
      },
      { live: true },
    );
    expect(failed(report)).toEqual(["I5_history_complete"]);
    expect(failures(report)).toContain(story.alice);
  });

  test("at rest, it waits for what is under way", async () => {
    const { report } = await checkStory(
      async (url, { alice }) => {
        await apply(url, [fund(alice)]);
        setTimeout(() => void deliver(url), 300);
      },
      { wait_ms: 20_000 },
    );
    expect(failures(report)).toBe("");
  });
});

describe("the report", () => {
  test("shows each check, the offending rows and a verdict", async () => {
    const { report, story } = await checkStory((url, { bob }) =>
      asOwner(url, (sql) => sql`update wallet.wallets set balance = 12345678 where id = ${bob}`),
    );
    const text = Bun.stripANSI(reportText(report));
    expect(text).toContain("✗ I3_balances_add_up (wallet)");
    expect(text).toContain(`wallet_id=${story.bob} balance=12345678.0000`);
    expect(text).toMatch(/balances 12,345,\d{3}\.\d{4}/);
    expect(text).toMatch(/✗ \d of \d+ checks fail$/);
  });

  test("the command's exit code tells a script", async () => {
    const { url, drop } = await createDatabase("check");
    const run = async () => {
      const env = { PATH: process.env.PATH, DATABASE_URL: url, KAFKA_BROKERS: "localhost:1" };
      const child = Bun.spawn([process.execPath, "sql/check.ts", "--wait", "0"], {
        env,
        cwd: `${import.meta.dir}/..`,
        stdout: "pipe",
      });
      const output = await child.stdout.text();
      return { code: await child.exited, output };
    };
    const sound = await run();
    expect(sound.output).toContain("checks hold");
    expect(sound.output).not.toContain("\u001b[");
    expect(sound.code).toBe(0);
    await asOwner(url, (sql) => sql`insert into history.gaps values (uuidv7(), 1, 2)`);
    expect((await run()).code).toBe(1);
    await drop();
  });
});
