import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import Ajv2020 from "ajv/dist/2020";
import { makeApiKey } from "../shared/http/api-keys.ts";
import { spawnService } from "../test/cluster.ts";
import { expectInvariants, isAtWork, type RunningSystem, startSystem, stopAll } from "../test/end-to-end/system.ts";
import { followAWallet } from "./examples/follow-a-wallet.ts";
import { openAndFund } from "./examples/open-and-fund.ts";
import { payAnOrder } from "./examples/pay-an-order.ts";
import { sagaToItsEnd } from "./examples/saga-to-its-end.ts";
import { statement } from "./examples/statement.ts";
import { type HistoryClient, historyClient, itemsOf, orThrow, type WalletClient, walletClient } from "./index.ts";
import { HISTORY_ANSWERS, WALLET_ANSWERS } from "./schemas.ts";

const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** Every answer that was read, by its operation, with what is wrong with it by the schema that its type comes from. */
const checked = new Map<string, string[]>();

/** A `fetch` that compares each answer with the schema of its operation and status. */
function checkedFetch(answers: Readonly<Record<string, Readonly<Record<number, object | null>>>>): typeof fetch {
  const compiled = Object.entries(answers).map(([operation, schemas]) => {
    const [method = "", path = ""] = operation.split(" ");
    return { operation, method, path: new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`), schemas };
  });
  const check = async (...given: Parameters<typeof fetch>): Promise<Response> => {
    const response = await fetch(...given);
    if (!response.headers.get("content-type")?.startsWith("application/json")) return response;
    const method = given[1]?.method ?? "GET";
    const { pathname } = new URL(given[0] instanceof Request ? given[0].url : given[0]);
    const found = compiled.find((each) => each.method === method && each.path.test(pathname));
    const schema = found?.schemas[response.status];
    const validate = schema ? ajv.compile(schema) : undefined;
    const isRight = validate?.(await response.clone().json()) === true;
    const faults = checked.get(found?.operation ?? pathname) ?? [];
    if (!isRight) faults.push(`${response.status}: ${ajv.errorsText(validate?.errors)}`);
    checked.set(found?.operation ?? pathname, faults);
    return response;
  };
  return Object.assign(check, { preconnect: fetch.preconnect });
}

/** In front of a server: lets requests through and cuts the connection in place of the next answers, so many of them. */
async function losesAnswers(port: number, times: number) {
  let left = times;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const toServer = connect(port, "127.0.0.1");
    for (const socket of [client, toServer]) sockets.add(socket.on("error", () => undefined));
    client.pipe(toServer);
    toServer.on("data", (bytes: Buffer) => {
      if (left === 0) return client.write(bytes);
      left -= 1;
      return client.destroy();
    });
  });
  await new Promise<void>((resolve) => void proxy.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const { port: own } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    lost: () => times - left,
    cut,
    close() {
      cut();
      proxy.close();
    },
  };
}

let system: RunningSystem;
let wallets: WalletClient;
let history: HistoryClient;

beforeAll(async () => {
  system = await startSystem("client");
  wallets = walletClient({ url: system.wallet.url, sending: { fetch: checkedFetch(WALLET_ANSWERS) } });
  history = historyClient({ url: `${system.history.url}/`, sending: { fetch: checkedFetch(HISTORY_ANSWERS) } });
});

afterAll(() => stopAll(system, system?.wallet, system?.history));

describe("the examples of the client do what they say, on real servers", () => {
  test("open and fund", async () => {
    const wallet = await openAndFund(wallets, "erin / née O'Hara", "100.5");
    expect(wallet).toMatchObject({ balance: "100.5000", status: "ACTIVE", version: 2 });
    const found = itemsOf((page) => wallets.users({ user_id: "erin / née O'Hara" }).wallets.get({ query: page }));
    expect((await Array.fromAsync(found)).map(({ id }) => id)).toEqual([wallet.id]);
  });

  test("pay an order: lost answers are asked for again, and it is paid once", async () => {
    const [buyer, seller] = [await openAndFund(wallets, "buyer", "10"), await openAndFund(wallets, "seller", "1")];
    const order = { id: "1001", buyer_wallet_id: buyer.id, seller_wallet_id: seller.id, amount: "4" };
    const line = await losesAnswers(Number(new URL(system.wallet.url).port), 2);
    const through = walletClient({ url: line.url, sending: { fetch: checkedFetch(WALLET_ANSWERS) } });

    const payment = await payAnOrder(through, order);
    expect(payment).toMatchObject({ paid: true, replayed: true });
    expect(line.lost()).toBe(2);
    expect(await payAnOrder(wallets, order)).toEqual(payment);
    expect(await payAnOrder(wallets, { ...order, id: "1002", amount: "6.01" })).toEqual({
      paid: false,
      because: "funds",
    });
    expect((await orThrow(wallets.wallets({ id: buyer.id }).get())).balance).toBe("6.0000");
    await orThrow(wallets.wallets({ id: seller.id }).freeze.post());
    expect(await payAnOrder(wallets, { ...order, id: "1003" })).toEqual({ paid: false, because: "frozen" });
    line.close();
  });

  test("a saga to its end", async () => {
    const [sender, receiver] = [await openAndFund(wallets, "s", "10"), await openAndFund(wallets, "r", "1")];
    const rent = { sender_wallet_id: sender.id, receiver_wallet_id: receiver.id, amount: "3" };
    const saga = await sagaToItsEnd(wallets, { ...rent, idempotency_key: "rent-1" });
    expect(saga).toMatchObject({ status: "SUCCESS", amount: "3.0000" });
    await orThrow(history.ledger.accounts({ id: receiver.id }).freeze.post());
    const refused = await sagaToItsEnd(wallets, { ...rent, idempotency_key: "rent-2" });
    expect(refused).toMatchObject({ status: "FAILED", failure_code: "account_frozen" });
  });

  test("follow a wallet live, and go on behind the last event", async () => {
    const wallet = await openAndFund(wallets, "followed", "10");
    const { promise: isConnected, resolve: connected } = Promise.withResolvers<void>();
    const following = followAWallet(history, 3, { wallet_id: wallet.id, connected });
    await isConnected;
    await orThrow(wallets.wallets({ id: wallet.id }).withdraw.post({ amount: "1" }));
    const first = await following;
    expect(first.map(({ data }) => data.event_type).at(-1)).toBe("WALLET_WITHDRAWN");

    await orThrow(wallets.wallets({ id: wallet.id }).withdraw.post({ amount: "2" }));
    const after = first.at(-1)?.id ?? "";
    const missed = await followAWallet(history, 4, { wallet_id: wallet.id, after });
    expect(missed.map(({ data }) => data.amount)).toEqual(["2.0000"]);
  });

  test("a stream that its server ends is taken up again where it was", async () => {
    const wallet = await openAndFund(wallets, "restarted", "10");
    const line = await losesAnswers(Number(new URL(system.history.url).port), 0);
    const through = historyClient({ url: line.url });
    const { promise: isConnected, resolve: connected } = Promise.withResolvers<void>();
    const following = followAWallet(through, 4, { wallet_id: wallet.id, connected });
    await isConnected;
    await orThrow(wallets.wallets({ id: wallet.id }).withdraw.post({ amount: "1" }));
    await orThrow(history.wallets({ id: wallet.id }).history.get({ query: { min_version: "3" } }));
    line.cut();
    await orThrow(wallets.wallets({ id: wallet.id }).withdraw.post({ amount: "2" }));
    expect((await following).map(({ data }) => data.wallet_version).slice(-2)).toEqual([3, 4]);
    line.close();
  });

  test("a statement, page by page, with what was just done", async () => {
    const wallet = await openAndFund(wallets, "stated", "10");
    const pays = Array.from({ length: 4 }, () => wallets.wallets({ id: wallet.id }).withdraw.post({ amount: "1" }));
    await Promise.all(pays);
    const events = await statement(history, wallet.id, 6);
    expect(events.map(({ wallet_version }) => wallet_version)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events.at(-1)?.balance_after).toBe("6.0000");
    const inPairs = itemsOf((page) =>
      history.wallets({ id: wallet.id }).history.get({ query: { ...page, limit: "2" } }),
    );
    expect((await Array.fromAsync(inPairs)).map(({ wallet_version }) => wallet_version)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  test("what else there is to read", async () => {
    const wallet = await openAndFund(wallets, "read", "10");
    const { response } = await wallets.wallets({ id: wallet.id }).get();
    const unchanged = await wallets
      .wallets({ id: wallet.id })
      .get({ headers: { "If-None-Match": response.headers.get("etag") ?? "" } });
    expect([unchanged.data, unchanged.error?.status]).toEqual([null, 304]);
    const [line] = (await orThrow(wallets.wallets({ id: wallet.id }).transactions.get({ query: { type: "FUND" } })))
      .items;
    expect((await orThrow(wallets.transactions({ id: line?.id ?? "" }).get())).type).toBe("FUND");
    await orThrow(history.wallets({ id: wallet.id }).history.get({ query: { min_version: "2" } }));
    expect((await orThrow(history.wallets({ id: wallet.id }).balance.get({ query: { version: "2" } }))).balance).toBe(
      "10.0000",
    );
    const account = await orThrow(history.ledger.accounts({ id: "external:USD" }).get());
    expect(account.kind).toBe("external");
    await orThrow(history.ledger.accounts({ id: wallet.id }).entries.get({ query: {} }));
    expect((await orThrow(history.ledger.transactions({ id: line?.id ?? "" }).get())).entries).toHaveLength(2);
    expect((await orThrow(history.ledger["trial-balance"].get())).items[0]?.difference).toBe("0.0000");
    expect((await orThrow(history.lag.get())).gaps).toBe(0);
    expect((await orThrow(history["dead-letters"].get({ query: {} }))).items).toEqual([]);
    expect((await history.wallets({ id: crypto.randomUUID() }).balance.get({ query: {} })).error?.value.code).toBe(
      "wallet_not_found",
    );
  });
});

describe("a service that asks for keys", () => {
  test("lets a client do what its key may, and tells it what it may not", async () => {
    const { key, entry } = makeApiKey({ name: "shop", role: "write" });
    const reader = makeApiKey({ name: "auditor", role: "read" });
    const guarded = await spawnService("wallet", { ...system.env, API_KEYS: `${entry},${reader.entry}` });
    await isAtWork(guarded);
    const open = (apiKey?: string) =>
      walletClient({ url: guarded.url, ...(apiKey !== undefined && { apiKey }) }).wallets.post({ user_id: "keyed" });
    expect((await open(key)).status).toBe(201);
    expect((await open()).error?.value.code).toBe("unauthenticated");
    expect((await open(reader.key)).error?.value.code).toBe("forbidden");
    await guarded.kill();
  });
});

describe("what real servers answered", () => {
  test("is what the types say, of most operations", () => {
    expect([...checked].filter(([, faults]) => faults.length > 0)).toEqual([]);
    const operations = [...Object.keys(WALLET_ANSWERS), ...Object.keys(HISTORY_ANSWERS)];
    expect(checked.size).toBeGreaterThan(operations.length * 0.6);
  });

  test("left nothing undone, and no money behind", () => expectInvariants(system));
});
