import { describe, expect, test } from "bun:test";
import { readChecks } from "../shared/checks/files.ts";
import { figuresOf, type Row } from "../shared/checks/statements.ts";
import { createDatabase } from "../test/cluster.ts";
import { LAYOUTS, type Layout } from "../test/end-to-end/system.ts";
import { reportText } from "./check/command.ts";
import { DAMAGES } from "./check.damages.fixture.ts";
import { apply, asOwner, deliver, type Story, tell } from "./check.fixture.ts";
import { type CheckedDatabases, type CheckOptions, type CheckReport, check, failures } from "./check.ts";

const NOW: CheckOptions = { wait_ms: 0 };
const COMPARED = new Set((await readChecks()).filter(({ kind }) => kind === "comparison").map(({ name }) => name));

type Act = (databases: CheckedDatabases, story: Story) => Promise<unknown>;

/** Tells the story in one database or in two, does something to it, and checks. */
async function checkStory(layout: Layout, act: Act, options: CheckOptions = NOW) {
  const wallet = await createDatabase("check");
  const history = layout === "one database" ? wallet : await createDatabase("check-h");
  const databases = { wallet: wallet.url, history: history.url };
  const story = await tell(wallet.url, history.url);
  await act(databases, story);
  const report = await check(databases, options);
  // The statements are the same wherever the schemas are.
  const contradictions = layout === "one database" ? await contradictionsIn(wallet.url) : [];
  await wallet.drop();
  if (history !== wallet) await history.drop();
  return { report, story, contradictions };
}

/** Checks whose look says that all is sound where their search finds rows, or the other way round: there must be none. */
async function contradictionsIn(url: string): Promise<string[]> {
  const found: string[] = [];
  const checks = (await readChecks()).filter((each) => each.kind === "statements");
  await asOwner(url, async (sql) => {
    for (const { name, schemas, look, search } of checks) {
      for (const schema of search === undefined ? [] : schemas) {
        await sql`select set_config('search_path', ${schema}, false)`;
        const [row = {}] = await sql.file<Row[]>(look);
        const { sound } = figuresOf(name, row);
        const rows: unknown[] = await sql.file(search ?? "");
        if (sound !== (rows.flat().length === 0)) found.push(`${name} (${schema}): sound is ${String(sound)}`);
      }
    }
  });
  return found;
}

const failed = (report: CheckReport) => report.results.filter(({ holds }) => holds === false).map(({ name }) => name);

describe("a sound system passes", () => {
  test.each(LAYOUTS)("every kind of operation leaves all invariants standing, in %s", async (layout) => {
    const { report, contradictions } = await checkStory(layout, async () => undefined);
    expect(contradictions).toEqual([]);
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

  test("an answer that is right may be written in another way", async () => {
    const { report, contradictions } = await checkStory("one database", ({ wallet }) =>
      asOwner(
        wallet,
        (sql) => sql`update wallet.idempotency_keys set response = response::jsonb::text where status_code < 300`,
      ),
    );
    expect(failures(report)).toBe("");
    expect(contradictions).toEqual([]);
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

  // What compares the two schemas is tried in both layouts; any other check does not know where the other schema is.
  const cases = LAYOUTS.flatMap((layout) =>
    DAMAGES.filter(({ found }) => layout === "one database" || COMPARED.has(found)).map(
      (damage) => [damage.what, layout, damage] as const,
    ),
  );
  test.each(cases)("%s, in %s", async (_, layout, { sql, found, named }) => {
    const { report, story, contradictions } = await checkStory(layout, ({ wallet, history }, told) => {
      const text = sql(told);
      // Each damage is done to one schema.
      return asOwner(text.includes("history.") ? history : wallet, (owner) => owner.unsafe(text).simple());
    });
    expect(report.holds).toBe(false);
    expect(failed(report)).toContain(found);
    const offending = report.results.filter(({ name, holds }) => name === found && holds === false);
    expect(JSON.stringify(offending.map((result) => result.offending))).toContain(named(story));
    expect(contradictions).toEqual([]);
  });
});

describe.each(LAYOUTS)("a system at work is judged up to where its history has come, in %s,", (layout) => {
  const fund = (id: string) => ({ kind: "FUND", id: Bun.randomUUIDv7(), wallet_id: id, amount: "3.0000" });

  test("events under way fail it at rest only", async () => {
    const act: Act = ({ wallet }, { alice }) =>
      apply(wallet, [fund(alice), { kind: "CREATE", id: Bun.randomUUIDv7(), user_id: "new", currency: "USD" }]);
    const rest = await checkStory(layout, act);
    expect(failed(rest.report)).toEqual(["I5_history_complete", "I6_outbox_sent", "I7_ledger_equals_wallets"]);
    const live = await checkStory(layout, act, { live: true });
    expect(failures(live.report)).toBe("");
    expect(
      live.report.results.find(({ name, where }) => name === "I6_outbox_sent" && where === "wallet")?.holds,
    ).toBeNull();
  });

  test("what it has seen must be right", async () => {
    const { report, story } = await checkStory(
      layout,
      async ({ wallet, history }, { alice, transfer }) => {
        await apply(wallet, [fund(alice)]);
        await asOwner(
          history,
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
      layout,
      async ({ wallet, history }, { alice }) => {
        await apply(wallet, [fund(alice)]);
        setTimeout(() => void deliver(wallet, history), 300);
      },
      { wait_ms: 20_000 },
    );
    expect(failures(report)).toBe("");
  });
});

describe("the report", () => {
  test("shows each check, the offending rows and a verdict", async () => {
    const { report, story } = await checkStory("one database", ({ wallet }, { bob }) =>
      asOwner(wallet, (sql) => sql`update wallet.wallets set balance = 12345678 where id = ${bob}`),
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
