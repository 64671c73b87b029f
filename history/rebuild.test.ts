import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Sql } from "../shared/database.ts";
import { connectProducer, type Producer } from "../shared/kafka.ts";
import { describeDatabase } from "../sql/describe.ts";
import { until } from "../test/cluster.ts";
import { expectInvariants, get, historyOf, openFunded, post, type RunningSystem } from "../test/end-to-end/system.ts";
import { type RebuiltSystem, startRebuiltSystem } from "./rebuild.fixture.ts";
import { reportText } from "./rebuild.ts";
import { dropOld } from "./rebuilding/tables.ts";

let system: RunningSystem;
let rebuilt: RebuiltSystem;
let owner: Sql;
let producer: Producer;

const SEND_DEADLINE_MS = 10_000;

beforeAll(async () => {
  rebuilt = await startRebuiltSystem("rebuild");
  ({ system, owner } = rebuilt);
  producer = await connectProducer(rebuilt.kafka, SEND_DEADLINE_MS);
});
afterAll(async () => {
  await producer?.close();
  await rebuilt?.stop();
});

const runRebuild: RebuiltSystem["rebuild"] = (options) => rebuilt.rebuild(options);
const saga: RebuiltSystem["saga"] = (...of) => rebuilt.saga(...of);
const send: RebuiltSystem["send"] = (...of) => rebuilt.send(...of);
const startTraffic: RebuiltSystem["traffic"] = (wallets) => rebuilt.traffic(wallets);

const decisions = () => owner`
  select transaction_id, payload::text as payload from history.ledger_decisions order by transaction_id`;

describe("a rebuild of a sound history", () => {
  test("finds it equal to the topics, also while it is written to, and leaves nothing behind", async () => {
    const wallets = await Promise.all(["a", "b", "c", "d"].map((user) => openFunded(system.wallet, user, "100")));
    const traffic = startTraffic(wallets);
    const report = await runRebuild();
    expect(await traffic.stop()).toEqual([]);
    expect(reportText(report)).toContain("✓ the live tables equal the topics");
    expect(report.figures.events).toBeGreaterThan(8);
    const left = await owner`select nspname from pg_namespace where nspname like 'history\_%'`;
    expect(left).toHaveLength(0);
    await expectInvariants(system);
  });

  test("counts what comes twice and what is no event, and sets the latter aside in its own table only", async () => {
    const wallet = await openFunded(system.wallet, "twice", "1");
    await historyOf(system.history, wallet, 2);
    const [row] = await owner`
      select event_data::text as text from history.transaction_events where wallet_id = ${wallet} and wallet_version = 1`;
    await producer.send(
      system.env.KAFKA_TOPIC!,
      [
        { key: wallet, value: row?.text, headers: {} },
        { key: wallet, value: "no event", headers: {} },
      ],
      SEND_DEADLINE_MS,
    );
    await until(async () => (await owner`select from history.dead_letters`).length === 1);
    const report = await runRebuild();
    expect(report).toMatchObject({ equal: true, dead_letters: [{ reason: "the value is not JSON" }] });
    expect(report.figures.duplicates).toBeGreaterThanOrEqual(1);
    expect(await owner`select from history.dead_letters`).toHaveLength(1);
    await owner`delete from history.dead_letters`;
  });
});

describe("a damaged history", () => {
  test("is found by the comparison and healed by the swap, while transfers and sagas go on", async () => {
    const [a, b, c, d] = await Promise.all(["e", "f", "g", "h"].map((user) => openFunded(system.wallet, user, "100")));
    const paid = (await send(b!, "5", a!)).body;
    await Promise.all([historyOf(system.history, a!, 3), historyOf(system.history, b!, 3)]);
    await owner`alter table history.transaction_events disable trigger transaction_events_append_only`;
    await owner`delete from history.transaction_events where wallet_id = ${b!} and wallet_version = 3`;
    await owner`update history.transaction_events set amount = 6 where wallet_id = ${a!} and wallet_version = 3`;
    await owner`alter table history.transaction_events enable trigger transaction_events_append_only`;
    await owner`update history.ledger_accounts set balance = balance + 1 where id = ${a!}`;
    const schemaBefore = await describeDatabase(owner);
    const [place] =
      await owner`select partition, position::int as position from history.transaction_events where wallet_id = ${b!} and wallet_version = 2`;

    const traffic = startTraffic([c!, d!]);
    await until(() => traffic.done() > 8);
    const report = await runRebuild({ swap: true });
    const atSwap = traffic.done();
    await until(() => traffic.done() > atSwap + 8, { what: "the traffic goes on" });
    expect(await traffic.stop()).toEqual([]);

    const found = Object.fromEntries(report.differences.map((each) => [each.name, each]));
    expect(found.transaction_events).toMatchObject({ only_live: 0, only_rebuilt: 1, different: 1 });
    expect(found.ledger_accounts).toMatchObject({ only_live: 0, only_rebuilt: 0, different: 1, examples: [a!] });
    expect(found.ledger_entries).toMatchObject({ only_live: 0, only_rebuilt: 0, different: 0 });
    expect(report).toMatchObject({ equal: false, swapped: true, dead_letters: [{}] });

    await expectInvariants(system);
    expect(await historyOf(system.history, b!, 3)).toHaveLength(3);
    expect((await get(system.history, `/ledger/accounts/${a!}`)).body.balance).toBe("95.0000");
    expect((await get(system.history, `/ledger/transactions/${paid.id}`)).body.entries).toHaveLength(4);
    expect((await saga(a!, b!, "1")).status).toBe("SUCCESS");
    expect((await historyOf(system.history, c!, 4)).length).toBeGreaterThan(3);

    // What was there keeps its place in the stream; what was missing comes behind it, as new.
    const places = await owner`
      select wallet_version::int as version, partition, position::int as position
      from history.transaction_events where wallet_id = ${b!} and wallet_version <= 3 order by wallet_version`;
    expect(places[1]).toMatchObject({ partition: place?.partition, position: place?.position });
    expect(places[2]?.position).toBeGreaterThan(place?.position);
    expect(await describeDatabase(owner)).toEqual(schemaBefore);
    await expect(owner`delete from history.transaction_events`.execute()).rejects.toThrow("append-only");
  });

  test("of which the topics do not know a row is not swapped, unless told to", async () => {
    const wallet = await openFunded(system.wallet, "lost", "1");
    await historyOf(system.history, wallet, 2);
    await owner`
      insert into history.transaction_events
        (id, wallet_id, user_id, amount, event_type, wallet_version, occurred_at, partition, position, event_data)
      select gen_random_uuid(), gen_random_uuid(), user_id, amount, event_type, 1, occurred_at, partition, position, event_data
      from history.transaction_events where wallet_id = ${wallet} and wallet_version = 1`;
    const attempt = runRebuild({ swap: true });
    await expect(attempt).rejects.toThrow("The topics lack 1 events");
    expect((await runRebuild({ swap: true, discard: true })).swapped).toBe(true);
    await expectInvariants(system);
  });
});

describe("decisions are replayed, never made", () => {
  test("a saga that was refused stays refused though nothing is frozen now, and a frozen account stays frozen", async () => {
    const [a, b] = await Promise.all(["i", "j"].map((user) => openFunded(system.wallet, user, "10")));
    const granted = await saga(a!, b!, "2");
    await post(system.history, `/ledger/accounts/${b!}/freeze`, {});
    const refused = await saga(a!, b!, "2");
    await post(system.history, `/ledger/accounts/${b!}/unfreeze`, {});
    expect([granted.status, refused.status]).toEqual(["SUCCESS", "FAILED"]);
    await post(system.history, `/ledger/accounts/${a!}/freeze`, {});
    await expectInvariants(system);
    const before = await decisions();
    const written = () => owner`select from history.outbox`;
    const said = (await written()).length;

    expect(await runRebuild({ swap: true })).toMatchObject({ equal: true, swapped: true, withheld: 0 });

    expect([...(await decisions())]).toEqual([...before]);
    expect(await written()).toHaveLength(said);
    expect((await get(system.history, `/ledger/transactions/${refused.id}`)).status).toBe(404);
    expect((await get(system.history, `/ledger/accounts/${a!}`)).body).toMatchObject({
      balance: "8.0000",
      frozen: true,
    });
    expect((await saga(a!, b!, "1")).status).toBe("FAILED");
    await expectInvariants(system);
  });

  test("a saga that nobody has decided yet waits, and the live ledger decides it behind the swap", async () => {
    const [a, b] = await Promise.all(["k", "l"].map((user) => openFunded(system.wallet, user, "10")));
    await historyOf(system.history, a!, 2);
    // The event before the saga's is lost to the live history as if it were late: the ledger cannot come to the saga.
    await owner`alter table history.transaction_events disable trigger transaction_events_append_only`;
    await owner`delete from history.transaction_events where wallet_id = ${a!} and wallet_version = 2`;
    await owner`alter table history.transaction_events enable trigger transaction_events_append_only`;
    const asked = saga(a!, b!, "3");
    await until(
      async () =>
        (await owner`select from history.transaction_events where wallet_id = ${a!} and wallet_version = 3`).length > 0,
    );
    const place = () => owner`
      select partition, position, created_at from history.transaction_events where wallet_id = ${a!} and wallet_version = 3`;
    const before = [...(await place())];
    const report = await runRebuild({ swap: true });
    expect(report).toMatchObject({ withheld: 1, swapped: true });
    expect((await asked).status).toBe("SUCCESS");
    // It was told to those who follow the stream when it was stored: they must not hear of it again.
    expect([...(await place())]).toEqual(before);
    await expect(owner`delete from history.transaction_events`.execute()).rejects.toThrow("append-only");
    await expectInvariants(system);
  });
});

describe("the command", () => {
  test("prints what it found, and tells a script by its exit code", async () => {
    await dropOld(system.database.url);
    const command = async (...args: string[]) => {
      const child = Bun.spawn([process.execPath, "--no-env-file", "history/rebuild.ts", ...args], {
        cwd: join(import.meta.dir, ".."),
        env: { PATH: process.env.PATH, NODE_NO_WARNINGS: "1", ...system.env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [code, out, errors] = [child.exited, child.stdout.text(), child.stderr.text()];
      return { code: await code, text: (await out) + (await errors) };
    };
    const equal = await command();
    expect(equal.text).toContain("✓ the live tables equal the topics");
    expect(equal.code).toBe(0);
    expect(await command("--discard")).toMatchObject({ code: 2, text: expect.stringContaining("usage:") });
    await owner`update history.ledger_totals set debits = debits + 1`;
    const differing = await command();
    expect(differing.text).toContain("✗ the live tables differ from the topics");
    expect(differing.code).toBe(1);
    expect(await command("--swap")).toMatchObject({ code: 0, text: expect.stringContaining("are in place") });
    expect(await command("--swap")).toMatchObject({ code: 2, text: expect.stringContaining("--drop-old") });
    expect((await command("--drop-old")).code).toBe(0);
    await expectInvariants(system);
  });
});
