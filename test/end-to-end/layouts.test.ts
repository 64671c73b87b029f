import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectFunctions, type Service } from "../../shared/database.ts";
import { until } from "../cluster.ts";
import {
  type Body,
  expectInvariants,
  get,
  historyOf,
  LAYOUTS,
  openFunded,
  post,
  type RunningSystem,
  startSystem,
  stopAll,
} from "./system.ts";

/** SQLSTATE: the role may not; there is no such schema. */
const [INSUFFICIENT_PRIVILEGE, UNDEFINED_TABLE] = ["42501", "42P01"];

describe.each(LAYOUTS)("the whole system in %s", (layout) => {
  let system: RunningSystem;

  beforeAll(async () => {
    system = await startSystem("layout", layout);
  });
  afterAll(() => stopAll(system, system?.wallet, system?.history));

  const walletOf = async (id: string): Promise<Body> => (await get(system.wallet, `/wallets/${id}`)).body;
  const accountOf = async (id: string): Promise<Body> => (await get(system.history, `/ledger/accounts/${id}`)).body;
  const saga = (sender_wallet_id: string, receiver_wallet_id: string, amount: string) =>
    post(
      system.wallet,
      "/transactions",
      { sender_wallet_id, receiver_wallet_id, amount, idempotency_key: crypto.randomUUID() },
      { prefer: "wait=20" },
    );

  test("money moves at once, by a decision of the ledger, and not against a freeze; the ledger ends level", async () => {
    const { wallet, history } = system;
    const [ann, bob] = [await openFunded(wallet, "ann", "100"), await openFunded(wallet, "bob", "10")];
    const paid = await post(wallet, `/wallets/${ann}/transfer`, { to_wallet_id: bob, amount: "30" });
    expect(paid.status).toBe(201);
    const granted = (await saga(ann, bob, "20.0001")).body;
    expect([granted.status, granted.failure_code]).toEqual(["SUCCESS", null]);

    await historyOf(history, bob, (await walletOf(bob)).version);
    await until(async () => (await post(history, `/ledger/accounts/${bob}/freeze`, {})).status === 200);
    const refused = (await saga(ann, bob, "5")).body;
    expect([refused.status, refused.failure_code]).toEqual(["FAILED", "account_frozen"]);
    expect((await post(history, `/ledger/accounts/${bob}/unfreeze`, {})).body).toMatchObject({ frozen: false });

    expect((await post(wallet, `/wallets/${ann}/freeze`, {})).status).toBe(200);
    expect((await saga(ann, bob, "1")).body.code).toBe("wallet_frozen");
    expect((await post(wallet, `/wallets/${ann}/unfreeze`, {})).status).toBe(200);
    expect((await post(wallet, `/wallets/${bob}/withdraw`, { amount: "0.0001" })).status).toBe(201);

    await expectInvariants(system);
    for (const [id, balance] of [
      [ann, "49.9999"],
      [bob, "60.0000"],
    ] as const) {
      expect(await walletOf(id)).toMatchObject({ balance, held: "0.0000" });
      expect(await accountOf(id)).toMatchObject({ balance });
    }
    const { items } = (await get(history, "/ledger/trial-balance")).body;
    expect(items).toMatchObject([
      { currency: "USD", difference: "0.0000", clearing: "0.0000", external: "-109.9999", wallets: "109.9999" },
    ]);
    const events = await historyOf(history, ann, (await walletOf(ann)).version);
    expect(events.map(({ event_type }) => event_type)).toEqual([
      "WALLET_CREATED",
      "WALLET_FUNDED",
      "TRANSFER_OUT",
      "WALLET_RESERVED",
      "TRANSFER_OUT",
      "WALLET_RESERVED",
      "RESERVATION_RELEASED",
      "WALLET_FROZEN",
      "WALLET_UNFROZEN",
    ]);
  });

  /** What a service's own role meets when it reads a table; null where it may. */
  async function refusal(url: string, service: Service, table: string): Promise<string | null> {
    const sql = connectFunctions(url, { service, purpose: "test", max: 1 });
    try {
      await sql.unsafe(`select from ${table} limit 1`);
      return null;
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : String(error);
    } finally {
      await sql.end();
    }
  }

  test("neither service's role can read what is the other's, in either database", async () => {
    const { database, historyDatabase } = system;
    const elsewhere = layout === "one database" ? INSUFFICIENT_PRIVILEGE : UNDEFINED_TABLE;
    const [wallets, events] = ["wallet.wallets", "history.transaction_events"];
    expect(await refusal(database.url, "wallet", wallets)).toBeNull();
    expect(await refusal(historyDatabase.url, "history", events)).toBeNull();
    expect(await refusal(database.url, "history", wallets)).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await refusal(historyDatabase.url, "wallet", events)).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await refusal(database.url, "wallet", events)).toBe(elsewhere);
    expect(await refusal(historyDatabase.url, "history", wallets)).toBe(elsewhere);
  });
});
