import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../shared/ids.ts";
import { createLog } from "../shared/log.ts";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";
import { createSchedule, type Schedule } from "../test/schedule.ts";
import { callWith, execute } from "./execute.ts";
import type { Answered, Operation } from "./operation.ts";
import { create, type Direct, direct, fund, HEX, transfer } from "./testing.ts";

/** Two servers work on the same wallets and keys; each test fixes the order in which their sessions meet. */

/** Short, since these tests are about what follows the time-out. */
const LOCK_TIMEOUT_MS = 150;

const log = createLog({ service: "test", level: "silent", pretty: false });
const now = () => performance.now();
const OTHER_REQUEST = { fingerprint: "11".repeat(32) };

let database: TestDatabase;
let schedule: Schedule;
let server: Direct;

beforeAll(async () => {
  database = await createDatabase("two servers");
  schedule = createSchedule(database.url);
  server = direct(database.url);
});

afterAll(async () => {
  await Promise.all([schedule.end(), server.end()]);
  await database.drop();
});

/** The other server applies the list and has not committed yet. */
const heldByOther = (operations: readonly Operation[]) => schedule.hold((session) => callWith(session)(operations));

/** The list is sent here while the other server's is held; then that one commits. */
async function meet(
  theirs: readonly Operation[],
  ours: () => Promise<Answered[]>,
): Promise<PromiseSettledResult<Answered[]>> {
  const held = await heldByOther(theirs);
  const outcome = Promise.allSettled([ours()]);
  await schedule.blocked();
  await held.commit();
  return (await outcome)[0];
}

async function balances(...ids: string[]): Promise<string[]> {
  const rows = await server.sql<{ id: string; balance: string }[]>`
    select id, balance from wallet.wallets where id = any (${ids}::uuid[])`;
  return ids.map((id) => rows.find((row) => row.id === id)?.balance ?? "none");
}

const isLocked = (id: string): Promise<boolean> =>
  schedule.owner`select from wallet.wallets where id = ${id} for no key update nowait`.then(
    () => false,
    () => true,
  );

describe("a wallet is changed by one server at a time", () => {
  test("the second decides on what the first has left", async () => {
    const [payer = "", one = "", other = ""] = await server.open(3, "10");
    const seen = await meet([transfer(payer, one, "10")], () => server.apply([transfer(payer, other, "10")]));
    expect(seen).toMatchObject({ value: [{ status: 422, code: "insufficient_funds" }] });
    expect(await balances(payer, one, other)).toEqual(["0.0000", "20.0000", "10.0000"]);
  });

  test("rows that refer to a wallet can be written while it is changed", async () => {
    const [wallet = ""] = await server.open(1, "10");
    const held = await heldByOther([fund(wallet, "1")]);
    // What a foreign key asks for.
    expect(await schedule.owner`select id from wallet.wallets where id = ${wallet} for key share nowait`).toHaveLength(
      1,
    );
    await held.commit();
  });
});

describe("two lists never wait for each other", () => {
  test("wallets are locked in the order of their ids, wherever their rows lie and however they are found", async () => {
    const [low, middle, high] = [uuidv7(), uuidv7(), uuidv7()];
    await server.apply([create(high), create(middle), create(low)]);
    await server.apply([fund(high, "1"), fund(middle, "1")]);
    // The rows lie in the order in which they were made, and a plan without the index finds them in that order.
    await schedule.owner`alter function wallet.apply_operations(json, json) set enable_indexscan = off`;
    const held = await heldByOther([fund(low, "1")]);
    const list = server.apply([transfer(high, middle, "1"), transfer(middle, low, "1")]);
    await schedule.blocked();
    expect(await Promise.all([low, middle, high].map(isLocked))).toEqual([true, false, false]);
    await held.commit();
    expect((await list).map(({ status }) => status)).toEqual([201, 201]);
    await schedule.owner`alter function wallet.apply_operations(json, json) reset enable_indexscan`;
  });
});

describe("a key names one attempt, whichever server is asked", () => {
  test("the key is read after the lock: the second server repeats the answer of the first", async () => {
    const [wallet = ""] = await server.open(1, "10");
    const list = [fund(wallet, "5", { fingerprint: HEX })];
    const held = await heldByOther(list);
    const second = server.apply(list);
    await schedule.blocked();
    await held.commit();
    expect(await second).toEqual([{ ...held.value[0]!, code: null, replayed: true }]);
    expect(await balances(wallet)).toEqual(["15.0000"]);
  });

  test("of two servers that use a key on different wallets, one cannot write it and moves nothing", async () => {
    const [one = "", other = ""] = await server.open(2, "10");
    const first = fund(one, "5");
    const second = { ...fund(other, "5", OTHER_REQUEST), key: keyOf(first) };
    const seen = await meet([first], () => server.apply([second]));
    expect(seen).toMatchObject({ reason: { code: "23505", constraint_name: "idempotency_keys_pkey" } });
    expect(await balances(one, other)).toEqual(["15.0000", "10.0000"]);
  });

  test("its list is sent again whole, and sees the winner", async () => {
    const [one = "", other = "", third = ""] = await server.open(3, "10");
    const first = fund(one, "5");
    const list = [fund(third, "1"), { ...fund(other, "5", OTHER_REQUEST), key: keyOf(first) }, fund(third, "2")];
    const { outcomes, calls } = await executeWhileHeld([first], list, { commit: true });
    expect(outcomes).toMatchObject([{ status: 201 }, { status: 422, code: "idempotency_key_reused" }, { status: 201 }]);
    expect(calls).toEqual([3, 3]);
    expect(await balances(one, other, third)).toEqual(["15.0000", "10.0000", "13.0000"]);
  });

  test("while the winner has not committed, the answer is that it is in progress", async () => {
    const [one = "", other = ""] = await server.open(2, "10");
    const first = fund(one, "5");
    const list = [{ ...fund(other, "5"), key: keyOf(first) }, fund(other, "1")];
    const { outcomes } = await executeWhileHeld([first], list, { commit: false });
    expect(outcomes).toMatchObject([{ failure: "idempotency_in_progress" }, { status: 201 }]);
    expect(await balances(one, other)).toEqual(["15.0000", "11.0000"]);
  });
});

describe("a wallet that is locked for long holds up nobody else", () => {
  test("its operation alone is refused, and did not happen", async () => {
    const [stuck = "", ...free] = await server.open(4, "10");
    const list = [fund(free[0]!, "1"), fund(stuck, "1"), fund(free[1]!, "1"), fund(free[2]!, "1")];
    const { outcomes } = await executeWhileHeld([fund(stuck, "5")], list, { commit: false });
    expect(outcomes).toMatchObject([{ status: 201 }, { failure: "unavailable" }, { status: 201 }, { status: 201 }]);
    expect(await balances(stuck, ...free)).toEqual(["15.0000", "11.0000", "11.0000", "11.0000"]);
  });
});

/** Executes the list while the other server holds its own: until that one is waited for, or to the end. */
async function executeWhileHeld(
  theirs: readonly Operation[],
  ours: readonly Operation[],
  { commit }: { commit: boolean },
) {
  const impatient = direct(database.url, 1, commit ? undefined : LOCK_TIMEOUT_MS);
  const calls: number[] = [];
  const call = (list: readonly Operation[]) => {
    calls.push(list.length);
    return impatient.apply(list);
  };
  const held = await heldByOther(theirs);
  const pending = execute(ours, { call, log, now });
  if (commit) {
    await schedule.blocked();
    await held.commit();
  }
  const outcomes = await pending;
  if (!commit) await held.commit();
  await impatient.end();
  return { outcomes, calls };
}

function keyOf(operation: Operation): string {
  return "key" in operation ? operation.key : "";
}
