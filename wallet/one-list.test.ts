import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../shared/ids.ts";
import { createLog } from "../shared/log.ts";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";
import { createSchedule, type Schedule } from "../test/schedule.ts";
import { execute } from "./execute.ts";
import type { Operation } from "./operation.ts";
import { attempt, create, type Direct, direct, freeze, fund, reserve, settle, transfer, withdraw } from "./testing.ts";

/** What holds within one list, and from one list to the next, without any rival. */

const LIMIT = "99999999999999.9999";

const log = createLog({ service: "test", level: "silent", pretty: false });
const now = () => performance.now();

let database: TestDatabase;
let schedule: Schedule;
let server: Direct;

beforeAll(async () => {
  database = await createDatabase("one list");
  schedule = createSchedule(database.url);
  server = direct(database.url);
});

afterAll(async () => {
  await Promise.all([schedule.end(), server.end()]);
  await database.drop();
});

const codes = async (operations: readonly Operation[]) =>
  (await server.apply(operations)).map(({ status, code, replayed }) => code ?? (replayed ? `${status} again` : status));

async function balances(...ids: string[]): Promise<string[]> {
  const rows = await server.sql<{ id: string; balance: string }[]>`
    select id, balance from wallet.wallets where id = any (${ids}::uuid[])`;
  return ids.map((id) => rows.find((row) => row.id === id)?.balance ?? "none");
}

describe("operations of a list follow each other", () => {
  test("each decides on what those before it have left", async () => {
    const [one = "", other = ""] = await server.open(2, "10");
    const list = [withdraw(one, "10"), withdraw(one, "1"), transfer(other, one, "5"), withdraw(one, "5")];
    expect(await codes(list)).toEqual([201, "insufficient_funds", 201, 201]);
    expect(await balances(one, other)).toEqual(["0.0000", "5.0000"]);
  });

  test("a refusal does not touch its neighbours", async () => {
    const [one = "", other = ""] = await server.open(2, "10");
    const stale = { if_match: [1] };
    const list = [
      fund(one, "1"),
      fund(uuidv7(), "1"),
      fund(one, "1", stale),
      transfer(one, one, "1"),
      fund(other, "1"),
    ];
    expect(await codes(list)).toEqual([201, "wallet_not_found", "version_mismatch", "same_wallet", 201]);
    expect(await balances(one, other)).toEqual(["11.0000", "11.0000"]);
  });

  test("an empty list has no outcome", async () => {
    expect(await server.apply([])).toHaveLength(0);
  });
});

describe("a key that occurs twice in a list moves money once", () => {
  test("its second use repeats the first's answer, byte for byte", async () => {
    const [wallet = ""] = await server.open(1, "10");
    const first = { ...fund(wallet, "5"), ...attempt("twice") } as Operation;
    const [one, two] = await server.apply([first, { ...first, id: uuidv7() } as Operation]);
    expect(two).toEqual({ ...one!, replayed: true });
    expect(await balances(wallet)).toEqual(["15.0000"]);
  });

  test("a refusal is repeated likewise, and leaves one line", async () => {
    const [wallet = ""] = await server.open(1);
    const first = withdraw(wallet, "5");
    expect(await codes([first, fund(wallet, "5"), first])).toEqual(["insufficient_funds", 201, "422 again"]);
    expect(await server.sql`select from wallet.wallet_transactions where wallet_id = ${wallet}`).toHaveLength(2);
  });

  test("with another request it is refused", async () => {
    const [wallet = ""] = await server.open(1, "10");
    const other = fund(wallet, "7", { ...attempt("two requests"), fingerprint: "11".repeat(32) });
    expect(await codes([fund(wallet, "5", attempt("two requests")), other])).toEqual([201, "idempotency_key_reused"]);
    expect(await balances(wallet)).toEqual(["15.0000"]);
  });

  test("after a 404 or 412, which are not kept, it is tried anew", async () => {
    const [wallet = ""] = await server.open(1, "10");
    const keyed = attempt("tried anew");
    const list = [fund(uuidv7(), "1", keyed), fund(wallet, "1", { ...keyed, if_match: [9] }), fund(wallet, "1", keyed)];
    expect(await codes(list)).toEqual(["wallet_not_found", "version_mismatch", 201]);
  });
});

describe("what the database cannot take concerns nobody else", () => {
  const poisons: [string, (wallet: string) => Operation][] = [
    ["an unknown kind", (id) => ({ ...fund(id, "1"), kind: "DOUBLE" }) as unknown as Operation],
    ["five decimals", (id) => fund(id, "1.00001")],
    ["an amount that is none", (id) => fund(id, "ten")],
    ["a negative amount", (id) => fund(id, "-1")],
    ["a NUL in a text", () => ({ ...create(uuidv7()), user_id: "a\u0000b" }) as Operation],
    ["a text that is too long", () => ({ ...create(uuidv7()), user_id: "x".repeat(101) }) as Operation],
  ];

  test.each(poisons)("%s", async (_, poison) => {
    const ids = await server.open(40, "1");
    const list = ids.map((id) => fund(id, "1"));
    list.splice(17, 0, poison(ids[17]!));
    const outcomes = await execute(list, { call: server.apply, log, now });
    expect(outcomes[17]).toEqual({ failure: "internal_error" });
    expect(outcomes.filter((outcome) => outcome.failure === undefined && outcome.status === 201)).toHaveLength(40);
    expect(new Set(await balances(...ids))).toEqual(new Set(["2.0000"]));
  });

  test("more than four decimals are refused, not rounded", async () => {
    const [wallet = ""] = await server.open(1, "1");
    await expect(server.apply([fund(wallet, "1.00005")])).rejects.toMatchObject({ code: "22023" });
    expect(await balances(wallet)).toEqual(["1.0000"]);
  });
});

describe("a receiver has room for all sagas that are on their way to it", () => {
  test("within one list and from list to list", async () => {
    const [sender = "", receiver = ""] = await server.open(2, "100");
    await server.apply([fund(receiver, "99999999999889.9999")]); // Leaves room for 10.
    expect(await codes([reserve(sender, receiver, "6"), reserve(sender, receiver, "5")])).toEqual([
      202,
      "balance_limit_exceeded",
    ]);
    expect(await codes([reserve(sender, receiver, "4.0001")])).toEqual(["balance_limit_exceeded"]);
    expect(await codes([reserve(sender, receiver, "4")])).toEqual([202]);
    expect(await codes([reserve(sender, receiver, "0.0001")])).toEqual(["balance_limit_exceeded"]);
  });

  test("a settled saga takes its room with it, a released one gives it back", async () => {
    const [sender = "", receiver = ""] = await server.open(2, "100");
    await server.apply([fund(receiver, "99999999999889.9999")]);
    const [first, second] = [reserve(sender, receiver, "6"), reserve(sender, receiver, "4")];
    const release = { kind: "RELEASE", id: idOf(second), failure_code: "account_frozen" } as const;
    await server.apply([first, second]);
    expect(await codes([settle(idOf(first)), reserve(sender, receiver, "0.0001")])).toEqual([
      200,
      "balance_limit_exceeded",
    ]);
    expect(await codes([release, reserve(sender, receiver, "4.0001"), reserve(sender, receiver, "4")])).toEqual([
      200,
      "balance_limit_exceeded",
      202,
    ]);
  });

  test("a settlement is not refused, even where the wallet has been filled meanwhile", async () => {
    const [sender = "", receiver = ""] = await server.open(2, "100");
    const saga = reserve(sender, receiver, "60");
    await server.apply([saga, fund(receiver, "99999999999899.9999"), freeze(receiver), freeze(sender)]);
    expect(await balances(receiver)).toEqual([LIMIT]);
    expect(await codes([settle(idOf(saga)), settle(idOf(saga))])).toEqual([200, "SUCCESS"]);
    expect(await balances(sender, receiver)).toEqual(["40.0000", "100000000000059.9999"]);
  });
});

describe("the time of a wallet's events never runs against their versions", () => {
  test("even where its last event lies in the future", async () => {
    const [one = "", other = ""] = await server.open(2, "10");
    await schedule.owner`update wallet.wallets set updated_at = now() + interval '1 hour' where id = ${other}`;
    const saga = reserve(other, one, "1");
    const list = [transfer(one, other, "1"), transfer(other, one, "1"), withdraw(other, "999"), freeze(other)];
    await server.apply([...list, freeze(other, "UNFREEZE"), saga, fund(other, "1")]);
    await server.apply([settle(idOf(saga)), fund(one, "1")]);
    const events = await server.sql<{ wallet: string; version: number; at: string }[]>`
      select aggregate_id as wallet, (payload ->> 'wallet_version')::int as version, payload ->> 'occurred_at' as at
        from wallet.outbox where aggregate_id = any (${[one, other]}::uuid[]) order by aggregate_id, version`;
    expect(events.filter(({ wallet }) => wallet === one).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events.filter(({ wallet }) => wallet === other)).toHaveLength(10);
    const backwards = events.filter(({ wallet, at }, n) => wallet === events[n - 1]?.wallet && at <= events[n - 1]!.at);
    expect(backwards).toEqual([]);
  });
});

function idOf(operation: Operation): string {
  return "id" in operation ? operation.id : "";
}
