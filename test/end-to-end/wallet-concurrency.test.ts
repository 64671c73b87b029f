import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../../shared/ids.ts";
import { createLog } from "../../shared/log.ts";
import { execute } from "../../wallet/execute.ts";
import type { Outcome } from "../../wallet/operation.ts";
import { attempt, type Direct, direct, fund, transfer } from "../../wallet/testing.ts";
import { createDatabase, type TestDatabase } from "../cluster.ts";
import { type Reply, spawnWalletServices, type WalletService } from "./wallet-service.ts";

/** Many at once on the same wallets, through two processes and straight through the SQL function. */

const TRANSFERS = 500;
const RIVALS = 50;
const WALLETS = 6;

/** Transfers in crossing pairs, all over the wallets: from, to. */
const crossing = (ids: readonly string[]): (readonly [string, string])[] =>
  Array.from({ length: TRANSFERS }, (_, n) => {
    const one = ids[n % ids.length]!;
    const other = ids[(n + 1 + (n % (ids.length - 1))) % ids.length]!;
    return n % 2 === 0 ? [one, other] : [other, one];
  });

const tally = (values: readonly unknown[]) =>
  Object.fromEntries([...Map.groupBy(values, String)].map(([value, { length }]) => [value, length]));

describe("through two processes", () => {
  let services: readonly WalletService[];
  const either = (n: number) => services[n % services.length]!;
  const read = async (id: string) => (await either(0).get(`/wallets/${id}`)).body;

  beforeAll(async () => {
    services = await spawnWalletServices("two processes", 2);
  });
  afterAll(() => Promise.all(services.map((service) => service.stop())));

  test("crossing transfers conserve money, and none meets a deadlock", async () => {
    const ids = await Promise.all(Array.from({ length: WALLETS }, (_, n) => either(n).open("1000")));
    const replies = await Promise.all(
      crossing(ids).map(([from, to], n) =>
        either(n).post(`/wallets/${from}/transfer`, { to_wallet_id: to, amount: "1" }),
      ),
    );
    expect(tally(replies.map(({ status }) => status))).toEqual({ "201": TRANSFERS });
    const wallets = await Promise.all(ids.map(read));
    expect(wallets.reduce((sum, { balance }) => sum + Number(balance), 0)).toBe(WALLETS * 1000);
    // Opened, funded, and a version for each side of each transfer.
    expect(wallets.reduce((sum, { version }) => sum + version, 0)).toBe(2 * WALLETS + 2 * TRANSFERS);
  });

  test("a balance that many want whole is paid once", async () => {
    const [payer, ...receivers] = await Promise.all(Array.from({ length: 3 }, () => either(0).open()));
    await either(0).post(`/wallets/${payer}/fund`, { amount: "100" });
    const replies = await Promise.all(
      Array.from({ length: RIVALS }, (_, n) =>
        either(n).post(`/wallets/${payer}/transfer`, { to_wallet_id: receivers[n % 2], amount: "100" }),
      ),
    );
    expect(tally(replies.map(({ status }) => status))).toEqual({ "201": 1, "422": RIVALS - 1 });
    const balances = await Promise.all([payer!, ...receivers].map(async (id) => (await read(id)).balance));
    expect(balances.toSorted()).toEqual(["0.0000", "0.0000", "100.0000"]);
  });

  test("a key that arrives many times at once moves money once, and all are told the same", async () => {
    const [payer, receiver] = [await either(0).open("100"), await either(0).open()];
    const headers = { "idempotency-key": "many at once".replaceAll(" ", "-") };
    const send = (n: number): Promise<Reply> =>
      either(n).post(`/wallets/${payer}/transfer`, { to_wallet_id: receiver, amount: "1" }, headers);
    const replies = await Promise.all(Array.from({ length: RIVALS }, (_, n) => send(n)));
    expect(tally(replies.map(({ status }) => status))).toEqual({ "201": RIVALS });
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(tally(replies.map((reply) => reply.headers.get("idempotency-replayed")))).toEqual({
      null: 1,
      true: RIVALS - 1,
    });
    expect([(await read(payer)).balance, (await read(receiver)).balance]).toEqual(["99.0000", "1.0000"]);
  });

  test("a wallet that is opened many times at once under one key is one wallet", async () => {
    const open = (n: number) => either(n).post("/wallets", { user_id: "once" }, { "idempotency-key": "open-once" });
    const replies = await Promise.all(Array.from({ length: RIVALS }, (_, n) => open(n)));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect((await either(0).get("/users/once/wallets")).body.items).toHaveLength(1);
  });
});

describe("straight through the function, on 8 connections", () => {
  const log = createLog({ service: "test", level: "silent", pretty: false });
  let database: TestDatabase;
  let server: Direct;

  beforeAll(async () => {
    database = await createDatabase("eight connections");
    server = direct(database.url, 8);
  });
  afterAll(async () => {
    await server.end();
    await database.drop();
  });

  const run = async (lists: readonly (readonly ReturnType<typeof fund>[])[]): Promise<Outcome[]> =>
    (
      await Promise.all(lists.map((list) => execute(list, { call: server.apply, log, now: () => performance.now() })))
    ).flat();
  const statusOf = (outcome: Outcome) => outcome.failure ?? outcome.status;
  const sum = async (ids: readonly string[]) => {
    const [row] = await server.sql`select sum(balance) as sum from wallet.wallets where id = any (${[...ids]}::uuid[])`;
    return row?.sum;
  };

  test.each([1, 7])("crossing transfers in lists of %i", async (size) => {
    const ids = await server.open(WALLETS, "1000");
    const transfers = crossing(ids).map(([from, to]) => transfer(from, to, "1"));
    const lists = Array.from({ length: Math.ceil(transfers.length / size) }, (_, n) =>
      transfers.slice(n * size, (n + 1) * size),
    );
    expect(tally((await run(lists)).map(statusOf))).toEqual({ "201": TRANSFERS });
    expect(await sum(ids)).toBe(`${WALLETS * 1000}.0000`);
  });

  test("a balance that many want whole", async () => {
    const [payer = "", receiver = ""] = await server.open(2, "100");
    const outcomes = await run(Array.from({ length: RIVALS }, () => [transfer(payer, receiver, "100")]));
    expect(tally(outcomes.map(statusOf))).toEqual({ "201": 1, "422": RIVALS - 1 });
    expect(await sum([payer, receiver])).toBe("200.0000");
  });

  test("a key that is used many times at once, on one wallet and on many", async () => {
    const ids = await server.open(5, "100");
    const once = attempt(uuidv7());
    // The same fingerprint everywhere: as if each were the same request.
    const outcomes = await run(Array.from({ length: RIVALS }, (_, n) => [fund(ids[n % 5]!, "1", once)]));
    expect(new Set(outcomes.map((outcome) => outcome.failure ?? outcome.response)).size).toBe(1);
    expect(tally(outcomes.map((outcome) => outcome.failure ?? outcome.replayed))).toEqual({
      false: 1,
      true: RIVALS - 1,
    });
    expect(await sum(ids)).toBe("501.0000");
  });
});
