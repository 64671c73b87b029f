import { describe, expect, test } from "bun:test";
import { createDatabase } from "../test/cluster.ts";
import { reportText } from "./check/command.ts";
import { readChecks } from "./check/files.ts";
import { DAMAGES } from "./check.damages.fixture.ts";
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
    expect(invariants).toEqual(expect.arrayContaining(["I1", "I2", "I3", "I4", "I5", "I6", "I7"]));
    const figures = Object.assign({}, ...report.results.map((result) => result.figures));
    expect(figures).toMatchObject({
      funded: "100.0000",
      withdrawn: "1.5000",
      balances: "98.5000",
      transfers: "2",
      held: "5.0000",
      clearing: "0.0000",
      sagas: "3",
      refused: "1",
    });
  });

  test("so do two databases, empty or one for each service", async () => {
    const [wallet, history] = await Promise.all([createDatabase("check-w"), createDatabase("check-h")]);
    const databases = { wallet: wallet.url, history: history.url };
    expect(failures(await check(databases, NOW))).toBe("");
    const { bob } = await tell(wallet.url, history.url);
    expect(failures(await check(databases, NOW))).toBe("");
    await asOwner(wallet.url, (sql) => sql`update wallet.wallets set user_id = 'robert' where id = ${bob}`);
    expect(failures(await check(databases, NOW))).toContain("robert ≠ bob");
    await Promise.all([wallet.drop(), history.drop()]);
  });
});

describe("what is wrong is found and named", () => {
  test("each check has something to find", async () => {
    const checks = (await readChecks()).map(({ name }) => name);
    expect(checks.filter((name) => !DAMAGES.some(({ found }) => found === name))).toEqual([]);
  });

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
    expect(failed(rest.report)).toEqual(["I5_history_complete", "I6_outbox_sent", "I7_ledger_equals_wallets"]);
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
      const env = { PATH: process.env.PATH, DATABASE_URL: url };
      const child = Bun.spawn([process.execPath, "sql/check.ts", "--wait", "0"], {
        env,
        cwd: `${import.meta.dir}/..`,
        stdout: "pipe",
        stderr: "pipe",
      });
      const output = await child.stdout.text();
      return { code: await child.exited, output, errors: await child.stderr.text() };
    };
    const sound = await run();
    expect(sound.output).toContain("checks hold");
    expect(sound.output).not.toContain("\u001b[");
    expect(sound.code).toBe(0);
    await asOwner(url, (sql) => sql`insert into history.gaps values (uuidv7(), 1, 2)`);
    expect((await run()).code).toBe(1);
    await asOwner(url, (sql) => sql`drop schema history cascade`);
    const impossible = await run();
    expect(impossible).toMatchObject({ code: 2, output: "" });
    expect(impossible.errors).toMatch(/^The check I\w+ could not be run\. relation .* does not exist\n$/);
    await drop();
  });
});
