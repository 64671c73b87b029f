import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Reply, startWalletService, type WalletService } from "../end-to-end/wallet-service.ts";
import { startProxy, type TcpProxy } from "../proxy.ts";

/** What a client is told while the database fails, over HTTP. */

let proxy: TcpProxy;
let service: WalletService;

beforeAll(async () => {
  service = await startWalletService("lost database", async (url) => {
    proxy = await startProxy(Number(new URL(url).port));
    return proxy.databaseUrl(url);
  });
});

afterAll(async () => {
  await service.stop();
  proxy.close();
});

const told = ({ status, headers, body }: Reply) => `${status} ${body.code}, again after ${headers.get("retry-after")}`;
const key = (name: string) => ({ "idempotency-key": name });

describe("a client is told the truth about its payment", () => {
  test("a reply that was lost on the way is found again: the client sees nothing of it", async () => {
    const wallet = await service.open("10");
    const swallowed = proxy.swallowNextReply();
    const paid = await service.post(`/wallets/${wallet}/withdraw`, { amount: "3" }, key("lost"));
    await swallowed;
    expect(paid).toMatchObject({ status: 201, body: { balance_after: "7.0000", wallet_version: 3 } });
    const again = await service.post(`/wallets/${wallet}/withdraw`, { amount: "3" }, key("lost"));
    expect(again.text).toBe(paid.text);
    expect((await service.get(`/wallets/${wallet}`)).body.balance).toBe("7.0000");
  });

  test("a slow database is waited for", async () => {
    const wallet = await service.open();
    proxy.delay(100);
    expect((await service.post(`/wallets/${wallet}/fund`, { amount: "1" })).status).toBe(201);
    proxy.delay(0);
  });

  test("without the database: unknown where it may have happened, unavailable where it has not; then all goes on", async () => {
    const wallet = await service.open("10");
    const withdraw = (name: string) => service.post(`/wallets/${wallet}/withdraw`, { amount: "1" }, key(name));
    const swallowed = proxy.swallowNextReply();
    const unknown = withdraw("unknown");
    await swallowed;
    proxy.refuse();
    // A read finds out that the connections are gone, and with them those that the next payment would take.
    expect(told(await service.get(`/wallets/${wallet}`))).toBe("503 unavailable, again after 1");
    const refused = withdraw("refused");
    expect(told(await unknown)).toBe("503 outcome_unknown, again after 1");
    expect(told(await refused)).toBe("503 unavailable, again after 1");

    await proxy.admit();
    const resolved = await withdraw("unknown");
    expect([resolved.status, resolved.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect((await service.get(`/wallets/${wallet}`)).body.balance).toBe("9.0000");
    const carriedOut = await withdraw("refused");
    expect([carriedOut.status, carriedOut.headers.get("idempotency-replayed")]).toEqual([201, null]);
    expect((await service.get(`/wallets/${wallet}`)).body).toMatchObject({ balance: "8.0000", version: 4 });
  });
});
