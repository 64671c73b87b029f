import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Reply, startWalletService, type WalletService } from "./wallet-service.ts";

/** What each route does and answers, and in which order it refuses. */

const LIMIT = "99999999999999.9999";
const UUID = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

let service: WalletService;

beforeAll(async () => {
  service = await startWalletService("rules");
});
afterAll(() => service.stop());

const move = (kind: "fund" | "withdraw", id: string, amount: string, headers = {}) =>
  service.post(`/wallets/${id}/${kind}`, { amount }, headers);
const transfer = (from: string, to: string, amount: string, headers = {}) =>
  service.post(`/wallets/${from}/transfer`, { to_wallet_id: to, amount }, headers);
const saga = (from: string, to: string, amount: string) => {
  const ids = { sender_wallet_id: from, receiver_wallet_id: to, idempotency_key: crypto.randomUUID() };
  return service.post("/transactions", { ...ids, amount });
};
const read = async (id: string) => (await service.get(`/wallets/${id}`)).body;
const codeOf = ({ status, body }: Reply) => `${status} ${body.code}`;

describe("what a POST has answered, its Location answers too", () => {
  test("opening", async () => {
    const opened = await service.post("/wallets", { user_id: "carol", currency: "EUR" });
    const amounts = { balance: "0.0000", held: "0.0000", available: "0.0000" };
    const times = { created_at: INSTANT, updated_at: INSTANT };
    const wallet = { id: UUID, user_id: "carol", currency: "EUR", ...amounts, status: "ACTIVE", version: 1, ...times };
    expect([opened.status, opened.body]).toEqual([201, wallet]);
    expect(Object.keys(opened.body)).toEqual(Object.keys(wallet));
    expect(opened.headers.get("location")).toBe(`/wallets/${opened.body.id}`);
    expect((await service.get(`/wallets/${opened.body.id}`)).text).toBe(opened.text);
  });

  test("funding and withdrawing", async () => {
    const wallet = await service.open();
    for (const [kind, type, after, version] of [
      ["fund", "FUND", "10.5000", 2],
      ["withdraw", "WITHDRAW", "0.0000", 3],
    ] as const) {
      const moved = await service.post(`/wallets/${wallet}/${kind}`, {
        amount: "10.5",
        description: "d",
        reference: "r",
      });
      const facts = {
        wallet_id: wallet,
        type,
        status: "COMPLETED",
        amount: "10.5000",
        currency: "USD",
        balance_after: after,
      };
      const nothing = { transfer_id: null, counterparty_wallet_id: null, failure_code: null };
      const line = {
        id: UUID,
        ...facts,
        wallet_version: version,
        ...nothing,
        description: "d",
        reference: "r",
        created_at: INSTANT,
      };
      expect([moved.status, moved.body]).toEqual([201, line]);
      expect(moved.headers.get("location")).toBe(`/transactions/${moved.body.id}`);
      expect((await service.get(`/transactions/${moved.body.id}`)).text).toBe(moved.text);
    }
  });

  test("a transfer: its id is the sender's line, which the receiver's is joined to", async () => {
    const [from, to] = [await service.open("10"), await service.open("1")];
    const { status, body, headers } = await transfer(from, to, "3");
    const facts = { from_wallet_id: from, to_wallet_id: to, amount: "3.0000", currency: "USD", status: "COMPLETED" };
    const rest = { from_balance_after: "7.0000", from_wallet_version: 3, description: null, reference: null };
    expect([status, body]).toEqual([201, { id: UUID, ...facts, ...rest, created_at: INSTANT }]);
    expect(headers.get("location")).toBe(`/transactions/${body.id}`);
    const out = (await service.get(headers.get("location")!)).body;
    expect(out).toMatchObject({ id: body.id, type: "TRANSFER_OUT", transfer_id: body.id, counterparty_wallet_id: to });
    const [incoming] = (await service.get(`/wallets/${to}/transactions`)).body.items;
    const into = { type: "TRANSFER_IN", transfer_id: body.id, counterparty_wallet_id: from, balance_after: "4.0000" };
    expect(incoming).toMatchObject({ ...into, created_at: body.created_at, wallet_version: 3 });
    expect((await service.get(`/transactions/${incoming.id}`)).body).toEqual(incoming);
  });

  test("a saga holds the amount, and is read where it was started", async () => {
    const [from, to] = [await service.open("10"), await service.open()];
    const started = await saga(from, to, "4");
    expect([started.status, started.body.type, started.body.status]).toEqual([202, "SAGA", "INITIATED"]);
    expect((await service.get(started.headers.get("location")!)).text).toBe(started.text);
    expect((await service.get(`/transactions?wallet_id=${to}`)).body.items).toEqual([started.body]);
    expect(await read(from)).toMatchObject({ balance: "10.0000", held: "4.0000", available: "6.0000", version: 3 });
    expect(codeOf(await move("withdraw", from, "6.0001"))).toBe("422 insufficient_funds");
    expect((await move("withdraw", from, "6")).status).toBe(201);
  });
});

describe("freezing and unfreezing", () => {
  test("repeated, they answer the same and make no version", async () => {
    const wallet = await service.open("10");
    for (const [verb, status, version] of [
      ["freeze", "FROZEN", 3],
      ["unfreeze", "ACTIVE", 4],
    ] as const) {
      const first = await service.post(`/wallets/${wallet}/${verb}`);
      expect([first.status, first.body]).toMatchObject([200, { status, version, balance: "10.0000" }]);
      const before = await service.state();
      const again = await service.post(`/wallets/${wallet}/${verb}`);
      expect(again.text).toBe(first.text);
      expect((await service.get(`/wallets/${wallet}`)).text).toBe(first.text);
      // Its internal key is all that is new.
      expect(JSON.parse(await service.state()).wallets).toEqual(JSON.parse(before).wallets);
    }
  });

  test("a frozen wallet neither pays nor receives, and leaves no line", async () => {
    const [frozen, free] = [await service.open("10"), await service.open("10")];
    await service.post(`/wallets/${frozen}/freeze`);
    const refused = [
      await move("fund", frozen, "1"),
      await move("withdraw", frozen, "1"),
      await transfer(frozen, free, "1"),
      await transfer(free, frozen, "1"),
      await saga(frozen, free, "1"),
      await saga(free, frozen, "1"),
    ];
    expect(refused.map(codeOf)).toEqual(Array(6).fill("422 wallet_frozen"));
    expect(await read(frozen)).toMatchObject({ balance: "10.0000", held: "0.0000", version: 3 });
    expect(await read(free)).toMatchObject({ balance: "10.0000", held: "0.0000", version: 2 });
    await service.post(`/wallets/${frozen}/unfreeze`);
    expect((await transfer(free, frozen, "1")).status).toBe(201);
  });

  test("an unknown wallet is not found", async () => {
    for (const verb of ["freeze", "unfreeze"])
      expect(codeOf(await service.post(`/wallets/${crypto.randomUUID()}/${verb}`))).toBe("404 wallet_not_found");
  });
});

describe("a lack of funds moves nothing and leaves one failed line", () => {
  test("which the problem names", async () => {
    const [poor, to] = [await service.open("1"), await service.open()];
    const attempts = [
      { reply: await move("withdraw", poor, "1.0001"), type: "WITHDRAW", joined: false },
      { reply: await transfer(poor, to, "2"), type: "TRANSFER_OUT", joined: true },
    ];
    for (const [n, { reply, type, joined }] of attempts.entries()) {
      expect(codeOf(reply)).toBe("422 insufficient_funds");
      const line = (await service.get(`/transactions/${reply.body.transaction_id}`)).body;
      const failed = { type, status: "FAILED", failure_code: "insufficient_funds", balance_after: "1.0000" };
      expect(line).toMatchObject({ ...failed, wallet_version: 3 + n, transfer_id: joined ? line.id : null });
    }
    expect(await read(poor)).toMatchObject({ balance: "1.0000", version: 4 });
    expect(await read(to)).toMatchObject({ balance: "0.0000", version: 1 });
  });

  test("a saga fails with its own id, and holds nothing", async () => {
    const [poor, to] = [await service.open("1"), await service.open()];
    const reply = await saga(poor, to, "2");
    expect(codeOf(reply)).toBe("422 insufficient_funds");
    const failed = {
      id: reply.body.transaction_id,
      type: "SAGA",
      status: "FAILED",
      failure_code: "insufficient_funds",
    };
    expect((await service.get(`/transactions/${reply.body.transaction_id}`)).body).toMatchObject(failed);
    const [line] = (await service.get(`/wallets/${poor}/transactions?status=FAILED`)).body.items;
    expect(line).toMatchObject({
      type: "TRANSFER_OUT",
      transfer_id: reply.body.transaction_id,
      counterparty_wallet_id: to,
    });
    expect(await read(poor)).toMatchObject({ held: "0.0000", version: 3 });
  });
});

describe("a wallet holds no more than its limit", () => {
  test("to the last decimal, by every way in", async () => {
    const [full, rich] = [await service.open(LIMIT), await service.open("5")];
    expect(await read(full)).toMatchObject({ balance: LIMIT, available: LIMIT });
    const refused = [
      await move("fund", full, "0.0001"),
      await move("fund", rich, LIMIT),
      await move("fund", rich, "999999999999999.9999"),
      await transfer(rich, full, "0.0001"),
      await saga(rich, full, "0.0001"),
    ];
    expect(refused.map(codeOf)).toEqual(Array(5).fill("422 balance_limit_exceeded"));
    expect((await move("withdraw", full, "0.0001")).body.balance_after).toBe("99999999999999.9998");
    expect((await transfer(rich, full, "0.0001")).status).toBe(201);
    expect((await transfer(full, rich, "99999999999994")).status).toBe(201);
    expect([(await read(full)).balance, (await read(rich)).balance]).toEqual(["5.9999", "99999999999998.9999"]);
  });
});

describe("refusals come in their order", () => {
  test("among those that are decided under the lock", async () => {
    const [one, euro, full, poor] = [
      await service.open("5"),
      await service.open("5", { user_id: "e", currency: "EUR" }),
      await service.open(LIMIT),
      await service.open(),
    ];
    await service.post(`/wallets/${euro}/freeze`);
    for (const send of [transfer, saga]) {
      const refusals = [
        await send(poor, poor, "1"),
        await send(one, euro, "99"),
        await send(one, full, "6"),
        await send(one, full, "5"),
      ];
      const codes = ["same_wallet", "currency_mismatch", "insufficient_funds", "balance_limit_exceeded"];
      expect(refusals.map(codeOf)).toEqual(codes.map((code) => `422 ${code}`));
      await service.post(`/wallets/${poor}/freeze`);
      expect([codeOf(await send(poor, poor, "1")), codeOf(await send(poor, full, "1"))]).toEqual([
        "422 same_wallet",
        "422 wallet_frozen",
      ]);
      await service.post(`/wallets/${poor}/unfreeze`);
    }
  });

  test("400, then the stored answer, then 404, then 412, then 422", async () => {
    const [poor, unknown, key] = [await service.open(), crypto.randomUUID(), crypto.randomUUID()];
    const stale = { "if-match": '"9"' };
    const keyed = { ...stale, "idempotency-key": key };
    expect(codeOf(await move("withdraw", unknown, "0", { "if-match": "bad" }))).toBe("400 invalid_amount");
    expect(codeOf(await move("withdraw", unknown, "1", { "if-match": "bad" }))).toBe("400 invalid_request");
    expect(codeOf(await transfer(poor, unknown, "1", stale))).toBe("404 wallet_not_found");
    expect(codeOf(await transfer(unknown, unknown, "1", stale))).toBe("404 wallet_not_found");
    expect(codeOf(await move("withdraw", poor, "1", keyed))).toBe("412 version_mismatch");
    expect(codeOf(await transfer(poor, poor, "1", stale))).toBe("412 version_mismatch");
    expect(codeOf(await move("withdraw", poor, "1", { "idempotency-key": key }))).toBe("422 insufficient_funds");
    expect(codeOf(await move("withdraw", poor, "1", keyed))).toBe("422 insufficient_funds");
    expect(codeOf(await move("withdraw", unknown, "1", keyed))).toBe("422 idempotency_key_reused");
    expect(codeOf(await move("withdraw", unknown, "0", keyed))).toBe("400 invalid_amount");
  });
});
