import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../shared/ids.ts";
import { startHistory, type TestHistory, tellWallet } from "./testing.ts";

let history: TestHistory;

beforeAll(async () => {
  history = await startHistory("history_ledger");
});
afterAll(() => history.stop());

interface Entry {
  readonly id: string;
  readonly account_id: string;
  readonly direction: "DEBIT" | "CREDIT";
  readonly amount: string;
  readonly balance_after: string | null;
  readonly transaction_id: string;
  readonly transfer_id: string | null;
}

const get = (path: string) => history.get(path);

async function post(path: string, headers: Record<string, string> = {}) {
  const response = await history.app.handle(new Request(`http://localhost${path}`, { method: "POST", headers }));
  return { status: response.status, body: await response.json() };
}

const entriesAt = async (path: string) => (await get(path)).body.entries as Entry[];

/** An instant transfer as both wallets tell it; both are recorded by now. */
async function tellTransfer(from: ReturnType<typeof tellWallet>, to: ReturnType<typeof tellWallet>, amount: string) {
  const [transfer_id, in_line] = [uuidv7() as string, uuidv7() as string];
  const common = { transfer_id, amount, posting: "OWN" } as const;
  await history.record([
    from.event("TRANSFER_OUT", { ...common, transaction_id: transfer_id, counterparty_wallet_id: to.wallet_id }),
    to.event("TRANSFER_IN", { ...common, transaction_id: in_line, counterparty_wallet_id: from.wallet_id }),
  ]);
  return { transfer_id, in_line };
}

async function fundedWallet(amount: string, currency = "USD") {
  const wallet = tellWallet();
  const [created, funded] = [wallet.created({ currency }), wallet.funded({ currency, amount })];
  await history.record([created, funded]);
  return { ...wallet, funding: String(funded.transaction_id) };
}

describe("an account", () => {
  test("of a wallet has the wallet's id, in either case, and its balance", async () => {
    const { wallet_id } = await fundedWallet("12.5000");
    const expected = { id: wallet_id, kind: "wallet", currency: "USD", balance: "12.5000", frozen: false };
    for (const id of [wallet_id, wallet_id.toUpperCase()])
      expect(await get(`/ledger/accounts/${id}`)).toMatchObject({ status: 200, body: expected });
    expect(Object.keys((await get(`/ledger/accounts/${wallet_id}`)).body)).toEqual(Object.keys(expected));
  });

  test("of the outside is what came in and went out of its own currency, negative", async () => {
    await fundedWallet("7.0000", "CHF");
    await fundedWallet("0.0001", "CHF");
    await fundedWallet("9.0000", "NOK");
    for (const [id, balance] of [
      ["external:CHF", "-7.0001"],
      ["external%3ANOK", "-9.0000"],
    ]) {
      const { body } = await get(`/ledger/accounts/${id}`);
      expect(body).toMatchObject({ kind: "external", balance, frozen: false });
    }
  });

  test("that is unknown is 404, and an id that is none is 400", async () => {
    for (const path of ["", "/entries"]) {
      for (const id of [uuidv7(), "external:XXX", "clearing:XXX"])
        expect(await get(`/ledger/accounts/${id}${path}`)).toMatchObject({
          status: 404,
          body: { code: "account_not_found" },
        });
      for (const id of ["nobody", "external:usd", "wallet:USD", "external:USDX"]) {
        const { status, body } = await get(`/ledger/accounts/${id}${path}`);
        expect([status, body.code, body.errors?.[0]?.path]).toEqual([400, "invalid_request", "/id"]);
      }
    }
  });
});

describe("entries of an account", () => {
  test("come newest first, page by page, each once, and continue one another's balances", async () => {
    const wallet = tellWallet();
    await history.record(wallet.story(8));
    await history.record([wallet.funded(), wallet.funded()]);
    const seen: Entry[] = [];
    let cursor: string | null | undefined;
    do {
      const query = cursor ? `&cursor=${cursor}` : "";
      const { body } = await get(`/ledger/accounts/${wallet.wallet_id}/entries?limit=4${query}`);
      seen.push(...(body.items as unknown as Entry[]));
      cursor = body.next_cursor;
    } while (cursor);
    expect(seen.map(({ balance_after }) => balance_after)).toEqual(
      Array.from({ length: 9 }, (_, at) => `${9 - at}.0000`),
    );
    expect(new Set(seen.map(({ id }) => id)).size).toBe(9);
    expect(Object.keys(seen[0]!)).toEqual([
      "id",
      "transaction_id",
      "transfer_id",
      "account_id",
      "direction",
      "amount",
      "balance_after",
      "created_at",
    ]);
  });

  test("of one account's cursor are refused for another", async () => {
    const [one, other] = [await fundedWallet("1.0000"), await fundedWallet("1.0000")];
    await history.record([one.funded()]);
    const { body } = await get(`/ledger/accounts/${one.wallet_id}/entries?limit=1`);
    const { status } = await get(`/ledger/accounts/${other.wallet_id}/entries?cursor=${body.next_cursor}`);
    expect(status).toBe(400);
  });
});

describe("a movement's entries", () => {
  test("are the same four by each id of an instant transfer, and sum to zero", async () => {
    const [from, to] = [await fundedWallet("50.0000"), await fundedWallet("1.0000")];
    const { transfer_id, in_line } = await tellTransfer(from, to, "20.0000");
    const entries = await entriesAt(`/ledger/transactions/${transfer_id}`);
    expect(entries.map(({ account_id, direction, balance_after }) => [account_id, direction, balance_after])).toEqual(
      expect.arrayContaining([
        [from.wallet_id, "DEBIT", "30.0000"],
        ["clearing:USD", "CREDIT", null],
        ["clearing:USD", "DEBIT", null],
        [to.wallet_id, "CREDIT", "21.0000"],
      ]),
    );
    expect(entries).toHaveLength(4);
    expect(await entriesAt(`/ledger/transactions/${in_line.toUpperCase()}`)).toEqual(entries);
  });

  test("are two for a funding, and two for a saga, by the id of its settlement's lines too", async () => {
    const [from, to] = [await fundedWallet("50.0000"), await fundedWallet("1.0000")];
    expect(await entriesAt(`/ledger/transactions/${from.funding}`)).toHaveLength(2);
    const asked = from.reserved(to.wallet_id, "50.0000");
    const saga = String(asked.transaction_id);
    await history.record([asked]);
    const entries = await entriesAt(`/ledger/transactions/${saga}`);
    expect(entries.map(({ account_id, direction, amount }) => [account_id, direction, amount])).toEqual([
      [from.wallet_id, "DEBIT", "50.0000"],
      [to.wallet_id, "CREDIT", "50.0000"],
    ]);
    const [out_line, in_line] = [uuidv7() as string, uuidv7() as string];
    const side = { transfer_id: saga, amount: "50.0000" };
    await history.record([
      from.event("TRANSFER_OUT", { ...side, transaction_id: out_line, counterparty_wallet_id: to.wallet_id }),
      to.event("TRANSFER_IN", { ...side, transaction_id: in_line, counterparty_wallet_id: from.wallet_id }),
    ]);
    for (const line of [out_line, in_line])
      expect(await get(`/ledger/transactions/${line}`)).toMatchObject({ status: 200, body: { id: line, entries } });
  });

  test("that nobody posted are 404", async () => {
    const wallet = await fundedWallet("1.0000");
    const failed = wallet.event("TRANSFER_FAILED", { transaction_id: uuidv7(), amount: "2.0000" });
    await history.record([failed]);
    for (const id of [uuidv7(), failed.transaction_id])
      expect(await get(`/ledger/transactions/${id}`)).toMatchObject({
        status: 404,
        body: { code: "transaction_not_found" },
      });
    expect((await get("/ledger/transactions/17")).status).toBe(400);
  });
});

describe("freezing an account", () => {
  test("is answered with the account, may be repeated, and a saga notices", async () => {
    const [from, to] = [await fundedWallet("5.0000"), await fundedWallet("5.0000")];
    const path = `/ledger/accounts/${to.wallet_id.toUpperCase()}`;
    const frozen = { id: to.wallet_id, kind: "wallet", currency: "USD", balance: "5.0000", frozen: true };
    for (const headers of [{}, { "idempotency-key": "k" }, {}])
      expect(await post(`${path}/freeze`, headers)).toEqual({ status: 200, body: frozen });
    await history.record([from.reserved(to.wallet_id, "1.0000")]);
    expect((await get(`/ledger/accounts/${from.wallet_id}`)).body.balance).toBe("5.0000");
    for (let time = 0; time < 2; time += 1)
      expect(await post(`${path}/unfreeze`)).toEqual({ status: 200, body: { ...frozen, frozen: false } });
    await history.record([from.reserved(to.wallet_id, "1.0000")]);
    expect((await get(`/ledger/accounts/${from.wallet_id}`)).body.balance).toBe("4.0000");
  });

  test("under a key that is none is refused, and freezes nothing", async () => {
    const { wallet_id } = await fundedWallet("5.0000");
    for (const key of ["", "a b", "k".repeat(256), "\u00e9"]) {
      expect(await post(`/ledger/accounts/${wallet_id}/freeze`, { "idempotency-key": key })).toMatchObject({
        status: 400,
        body: { code: "invalid_request", errors: [{ in: "header", path: "/Idempotency-Key" }] },
      });
    }
    expect((await get(`/ledger/accounts/${wallet_id}`)).body.frozen).toBe(false);
  });

  test("of an unknown account is 404", async () => {
    expect(await post(`/ledger/accounts/${uuidv7()}/freeze`)).toMatchObject({
      status: 404,
      body: { code: "account_not_found" },
    });
  });
});

describe("the trial balance", () => {
  test("has each currency, and shows money between two wallets as clearing", async () => {
    const [from, to] = [await fundedWallet("100.0000", "SEK"), await fundedWallet("1.0000", "SEK")];
    const empty = tellWallet();
    await history.record([empty.created({ currency: "DKK" })]);
    const transfer_id = uuidv7();
    const withdrawn = from.event("WALLET_WITHDRAWN", {
      transaction_id: uuidv7(),
      amount: "10.0000",
      currency: "SEK",
      posting: "OWN",
    });
    const sent = from.event("TRANSFER_OUT", {
      transaction_id: transfer_id,
      transfer_id,
      counterparty_wallet_id: to.wallet_id,
      amount: "2.5000",
      currency: "SEK",
      posting: "OWN",
    });
    await history.record([withdrawn, sent], 4);
    const { body } = await get("/ledger/trial-balance");
    const items = body.items as unknown as Record<string, string>[];
    expect(items.map(({ currency }) => currency)).toEqual(items.map(({ currency }) => currency).toSorted());
    expect(items.find(({ currency }) => currency === "SEK")).toEqual({
      currency: "SEK",
      debits: "113.5000",
      credits: "113.5000",
      difference: "0.0000",
      external: "-91.0000",
      clearing: "2.5000",
      wallets: "88.5000",
    });
    expect(items.find(({ currency }) => currency === "DKK")).toMatchObject({ debits: "0.0000", wallets: "0.0000" });
    expect((await get("/ledger/accounts/clearing:SEK")).body.balance).toBe("2.5000");
  });
});
