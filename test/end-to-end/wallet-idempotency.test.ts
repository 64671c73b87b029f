import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Reply, startWalletService, type WalletService } from "./wallet-service.ts";

/** Idempotency-Key: a key names one attempt, and its outcome never changes. */

let service: WalletService;
let wallet: string;
let other: string;

beforeAll(async () => {
  service = await startWalletService("idempotency");
  wallet = await service.open("1000");
  other = await service.open("1000");
});
afterAll(() => service.stop());

const fresh = () => crypto.randomUUID();
const keyed = (key: string, more: Record<string, string> = {}) => ({ "idempotency-key": key, ...more });
const isReplay = ({ headers }: Reply) => headers.get("idempotency-replayed") === "true";

/** Everything of an answer that a replay must have too. */
const answerOf = ({ status, text, headers }: Reply) => ({
  ...{ status, text, type: headers.get("content-type"), location: headers.get("location"), etag: headers.get("etag") },
});

const requests = (): readonly (readonly [string, string, unknown, number])[] => [
  ["opening", "/wallets", { user_id: "key" }, 201],
  ["funding", `/wallets/${wallet}/fund`, { amount: "1", reference: "r" }, 201],
  ["withdrawing", `/wallets/${wallet}/withdraw`, { amount: "1" }, 201],
  ["a transfer", `/wallets/${wallet}/transfer`, { amount: "1", to_wallet_id: other }, 201],
  ["freezing", `/wallets/${wallet}/freeze`, undefined, 200],
  ["a refusal: frozen", `/wallets/${wallet}/fund`, { amount: "2" }, 422],
  ["unfreezing", `/wallets/${wallet}/unfreeze`, undefined, 200],
  ["a refusal: no funds", `/wallets/${wallet}/withdraw`, { amount: "999999" }, 422],
  ["a refusal: same wallet", `/wallets/${wallet}/transfer`, { amount: "1", to_wallet_id: wallet }, 422],
];

describe("a request that comes again is answered byte for byte, and does nothing", () => {
  test("whatever it was", async () => {
    for (const [name, path, body, status] of requests()) {
      const key = fresh();
      const first = await service.post(path, body, keyed(key, { "request-id": "the-first" }));
      expect([name, first.status, isReplay(first)]).toEqual([name, status, false]);
      const before = await service.state();
      const again = await service.post(path, body, keyed(key, { "request-id": "the-second" }));
      expect(answerOf(again)).toEqual(answerOf(first));
      expect([isReplay(again), again.headers.get("request-id")]).toEqual([true, "the-second"]);
      if (status === 422) expect(again.body.request_id).toBe("the-first");
      expect(await service.state()).toBe(before);
    }
  });

  test("a saga is answered as it was started", async () => {
    const body = { sender_wallet_id: wallet, receiver_wallet_id: other, amount: "1", idempotency_key: fresh() };
    const first = await service.post("/transactions", body);
    expect(first).toMatchObject({ status: 202, body: { status: "INITIATED" } });
    const again = await service.post("/transactions", body, keyed(body.idempotency_key));
    expect([answerOf(again), isReplay(again)]).toEqual([answerOf(first), true]);
    const before = await service.state();
    const different = await service.post("/transactions", body, keyed(fresh()));
    expect([different.status, different.body.code]).toEqual([400, "invalid_request"]);
    expect((await service.post("/transactions", { ...body, amount: "2" })).body.code).toBe("idempotency_key_reused");
    expect(await service.state()).toBe(before);
  });

  test("a refusal stays one, though the funds have come meanwhile", async () => {
    const poor = await service.open();
    const key = fresh();
    expect((await service.post(`/wallets/${poor}/withdraw`, { amount: "5" }, keyed(key))).status).toBe(422);
    await service.post(`/wallets/${poor}/fund`, { amount: "5" });
    expect((await service.post(`/wallets/${poor}/withdraw`, { amount: "5" }, keyed(key))).body.code).toBe(
      "insufficient_funds",
    );
    expect((await service.get(`/wallets/${poor}`)).body.balance).toBe("5.0000");
  });

  test("the stored answer comes before the wallet's version and state are looked at", async () => {
    const held = await service.open("5");
    const { headers } = await service.get(`/wallets/${held}`);
    const matching = { ...keyed(fresh()), "if-match": headers.get("etag")! };
    const first = await service.post(`/wallets/${held}/withdraw`, { amount: "5" }, matching);
    await service.post(`/wallets/${held}/freeze`);
    const again = await service.post(`/wallets/${held}/withdraw`, { amount: "5" }, matching);
    expect(answerOf(again)).toEqual(answerOf(first));
  });
});

describe("the same request is the same, however it is written", () => {
  test.each<[string, Record<string, string>, (key: string) => string, string]>([
    ["the key in quotes", {}, (key) => `"${key}"`, "/fund"],
    ["another order of members, other white space", {}, (key) => key, "/fund"],
    ["a slash at the end of the path", {}, (key) => key, "/fund/"],
    ["another content type parameter", { "content-type": "application/json; charset=utf-8" }, (key) => key, "/fund"],
  ])("%s", async (_, headers, write, path) => {
    const key = fresh();
    const first = await service.post(`/wallets/${wallet}/fund`, '{"amount":"1.5","reference":"r"}', keyed(key));
    const body = '{ "reference" : "r", "description": null, "amount" : "1.5000" }';
    const again = await service.post(`/wallets/${wallet}${path}`, body, keyed(write(key), headers));
    expect([answerOf(again), isReplay(again)]).toEqual([answerOf(first), true]);
  });

  test("a default that is written out", async () => {
    const key = fresh();
    const first = await service.post("/wallets", { user_id: "default" }, keyed(key));
    expect((await service.post("/wallets", { user_id: "default", currency: "USD" }, keyed(key))).text).toBe(first.text);
  });

  test("a quoted key with escapes is the bare one", async () => {
    const first = await service.post(`/wallets/${wallet}/fund`, { amount: "1" }, keyed('a"b\\c'));
    const again = await service.post(`/wallets/${wallet}/fund`, { amount: "1" }, keyed('"a\\"b\\\\c"'));
    expect([answerOf(again), isReplay(again)]).toEqual([answerOf(first), true]);
  });
});

describe("another request under the same key is refused, and does nothing", () => {
  test("another amount, field, path, wallet or route", async () => {
    const key = fresh();
    const first = await service.post(`/wallets/${wallet}/fund`, { amount: "1" }, keyed(key));
    expect(first.status).toBe(201);
    const before = await service.state();
    const others: readonly (readonly [string, unknown])[] = [
      [`/wallets/${wallet}/fund`, { amount: "1.0001" }],
      [`/wallets/${wallet}/fund`, { amount: "1", description: "" }],
      [`/wallets/${wallet}/fund`, { amount: "1", reference: "x" }],
      [`/wallets/${other}/fund`, { amount: "1" }],
      [`/wallets/${wallet}/withdraw`, { amount: "1" }],
      [`/wallets/${wallet}/transfer`, { amount: "1", to_wallet_id: other }],
      [`/wallets/${wallet}/freeze`, undefined],
      ["/wallets", { user_id: "x" }],
      [`/wallets/${crypto.randomUUID()}/fund`, { amount: "1" }],
      ["/transactions", { sender_wallet_id: wallet, receiver_wallet_id: other, amount: "1", idempotency_key: key }],
    ];
    for (const [path, body] of others) {
      const reply = await service.post(path, body, path === "/transactions" ? {} : keyed(key));
      expect([path, reply.status, reply.body.code, isReplay(reply)]).toEqual([
        path,
        422,
        "idempotency_key_reused",
        false,
      ]);
    }
    expect(await service.state()).toBe(before);
    expect(answerOf(await service.post(`/wallets/${wallet}/fund`, { amount: "1" }, keyed(key)))).toEqual(
      answerOf(first),
    );
  });
});

describe("an attempt that was not carried out keeps nothing", () => {
  test("after 400, 404, 405, 412, 413 and 415 the key is free", async () => {
    const key = fresh();
    const fund = `/wallets/${wallet}/fund`;
    const unkept: readonly (readonly [number, () => Promise<Reply>])[] = [
      [400, () => service.post(fund, { amount: "0" }, keyed(key))],
      [400, () => service.post(fund, "{", keyed(key))],
      [404, () => service.post(`/wallets/${crypto.randomUUID()}/fund`, { amount: "1" }, keyed(key))],
      [405, () => service.send("PUT", fund, { headers: keyed(key) })],
      [412, () => service.post(fund, { amount: "1" }, keyed(key, { "if-match": '"1"' }))],
      [413, () => service.post(fund, "x".repeat(65_537), keyed(key))],
      [415, () => service.post(fund, "{}", keyed(key, { "content-type": "text/plain" }))],
    ];
    const before = await service.state();
    for (const [status, send] of unkept) expect((await send()).status).toBe(status);
    expect(await service.state()).toBe(before);
    const done = await service.post(`/wallets/${other}/fund`, { amount: "7" }, keyed(key));
    expect([done.status, isReplay(done)]).toEqual([201, false]);
  });

  test("without a key each request is an attempt of its own", async () => {
    const purse = await service.open();
    for (let n = 0; n < 3; n += 1)
      expect(isReplay(await service.post(`/wallets/${purse}/fund`, { amount: "1" }))).toBe(false);
    expect((await service.get(`/wallets/${purse}`)).body.balance).toBe("3.0000");
  });
});
