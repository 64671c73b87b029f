import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
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

let system: RunningSystem;

/** What a history says of its events, in short. */
const SHORT = ["wallet_version", "event_type", "amount", "balance_after", "counterparty_wallet_id"];

async function shortHistory(id: string, version: number): Promise<unknown[][]> {
  const events = await historyOf(system.history, id, version);
  return events.map((event) => SHORT.map((member) => event[member]));
}

describe.each(LAYOUTS)("what was answered reaches the history, complete and in order: %s", (layout) => {
  beforeAll(async () => {
    system = await startSystem("transfer-to-history", layout);
  });

  afterAll(() => stopAll(system, system?.wallet, system?.history));

  test("both sides of a transfer, with their exact amounts", async () => {
    const { wallet } = system;
    const [carol, dave] = await Promise.all([openFunded(wallet, "carol", "100"), openFunded(wallet, "dave", "0.0001")]);
    const paid = await post(wallet, `/wallets/${carol}/transfer`, {
      to_wallet_id: dave,
      amount: "33.3333",
      description: "Rent",
      reference: "R-1",
    });
    expect(paid.status).toBe(201);
    expect(paid.body).toMatchObject({ amount: "33.3333", from_balance_after: "66.6667", from_wallet_version: 3 });

    expect(await shortHistory(carol, 3)).toEqual([
      [1, "WALLET_CREATED", "0.0000", "0.0000", null],
      [2, "WALLET_FUNDED", "100.0000", "100.0000", null],
      [3, "TRANSFER_OUT", "33.3333", "66.6667", dave],
    ]);
    expect(await shortHistory(dave, 3)).toEqual([
      [1, "WALLET_CREATED", "0.0000", "0.0000", null],
      [2, "WALLET_FUNDED", "0.0001", "0.0001", null],
      [3, "TRANSFER_IN", "33.3333", "33.3334", carol],
    ]);
    const [sent, received] = [await historyOf(system.history, carol, 3), await historyOf(system.history, dave, 3)];
    for (const event of [sent[2]!, received[2]!]) {
      expect(event).toMatchObject({
        transfer_id: paid.body.id,
        description: "Rent",
        reference: "R-1",
        currency: "USD",
      });
    }
    expect(sent[2]!.transaction_id).toBe(paid.body.id);
    const times = sent.map((event) => String(event.occurred_at));
    expect(times).toEqual(times.toSorted());
    await expectInvariants(system);
  });

  test("a refused transfer moves nothing and is on the payer's record alone", async () => {
    const { wallet } = system;
    const [payer, other] = await Promise.all([openFunded(wallet, "erin", "10"), openFunded(wallet, "frank", "10")]);
    const refused = await post(wallet, `/wallets/${payer}/transfer`, { to_wallet_id: other, amount: "10.0001" });
    expect(refused.status).toBe(422);
    expect(refused.body.code).toBe("insufficient_funds");
    expect((await shortHistory(payer, 3)).at(-1)).toEqual([3, "TRANSFER_FAILED", "10.0001", "10.0000", other]);
    expect((await get(wallet, `/wallets/${other}`)).body).toMatchObject({ balance: "10.0000", version: 2 });
    expect(await shortHistory(other, 2)).toHaveLength(2);
    await expectInvariants(system);
  });

  test("a retry under the same key moves nothing and adds nothing", async () => {
    const { wallet } = system;
    const [payer, other] = await Promise.all([openFunded(wallet, "grace", "50"), openFunded(wallet, "heidi", "1")]);
    const pay = () =>
      post(wallet, `/wallets/${payer}/transfer`, { to_wallet_id: other, amount: "20" }, { "idempotency-key": payer });
    const [first, ...later] = [await pay(), ...(await Promise.all([pay(), pay(), pay()]))];
    for (const again of later) {
      expect([again.status, again.body]).toEqual([201, first.body]);
      expect(again.headers.get("idempotency-replayed")).toBe("true");
    }
    expect(await shortHistory(payer, 3)).toHaveLength(3);
    expect((await get(wallet, `/wallets/${payer}`)).body).toMatchObject({ balance: "30.0000", version: 3 });
    await expectInvariants(system);
  });

  test("a crowd of transfers between few wallets, both ways at once", async () => {
    const { wallet, history } = system;
    const ids = await Promise.all(["ivan", "judy", "kim"].map((user) => openFunded(wallet, user, "100")));
    const paid = await Promise.all(
      Array.from({ length: 90 }, (_, n) =>
        post(wallet, `/wallets/${ids[n % 3]}/transfer`, {
          to_wallet_id: ids[(n + 1 + (n % 2)) % 3],
          // Each tenth is more than there is.
          amount: n % 10 === 9 ? "300.0001" : `${1 + (n % 30)}.01`,
        }),
      ),
    );
    expect(new Set(paid.map(({ status }) => status))).toEqual(new Set([201, 422]));
    let total = 0n;
    for (const id of ids) {
      const { body } = await get(wallet, `/wallets/${id}`);
      const events = await historyOf(history, id, body.version);
      expect(events.map((event) => event.wallet_version)).toEqual(events.map((_, index) => index + 1));
      expect(events).toHaveLength(body.version);
      expect(events.at(-1)!.balance_after).toBe(body.balance);
      total += BigInt(String(body.balance).replace(".", ""));
    }
    expect(total).toBe(300_0000n);
    await expectInvariants(system);
  });
});
