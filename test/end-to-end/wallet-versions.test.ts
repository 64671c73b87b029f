import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startWalletService, type WalletService } from "./wallet-service.ts";

/** Optimistic locking: ETag, If-Match and If-None-Match. */

let service: WalletService;
/** At version 3. */
let wallet: string;
let other: string;

beforeAll(async () => {
  service = await startWalletService("versions");
  wallet = await service.open("100");
  await service.post(`/wallets/${wallet}/fund`, { amount: "1" });
  other = await service.open("100");
});
afterAll(() => service.stop());

const guarded = (): readonly (readonly [string, Record<string, unknown>])[] => [
  [`/wallets/${wallet}/fund`, { amount: "1" }],
  [`/wallets/${wallet}/withdraw`, { amount: "1" }],
  [`/wallets/${wallet}/transfer`, { amount: "1", to_wallet_id: other }],
  [
    "/transactions",
    { sender_wallet_id: wallet, receiver_wallet_id: other, amount: "1", idempotency_key: crypto.randomUUID() },
  ],
];

const versionOf = async (id: string): Promise<number> => (await service.get(`/wallets/${id}`)).body.version;

describe("an operation happens only at the version that the client has seen", () => {
  test.each([
    ["an older version", (version: number) => `"${version - 1}"`],
    ["a later version", (version: number) => `"${version + 1}"`],
    ["a list without it", (version: number) => `"${version - 1}", "${version + 1}"`],
    ["a weak tag, since If-Match compares strongly", (version: number) => `W/"${version}"`],
    ["a tag that no version has", () => '"v3"'],
    ["a version with a zero in front", (version: number) => `"0${version}"`],
    ["a version beyond all numbers", () => '"99999999999999999999"'],
    ["an empty tag", () => '""'],
  ])("refused: %s", async (_, condition) => {
    for (const [path, body] of guarded()) {
      const before = await service.state();
      const reply = await service.post(path, body, { "if-match": condition(await versionOf(wallet)) });
      expect([path, reply.status, reply.body.code]).toEqual([path, 412, "version_mismatch"]);
      expect(await service.state()).toBe(before);
    }
  });

  test.each([
    ["its version", (version: number) => `"${version}"`],
    ["a list with it", (version: number) => `"1", W/"7" ,, "${version}"`],
    ["any version", () => "*"],
  ])("done: %s", async (_, condition) => {
    for (const [path, body] of guarded()) {
      const version = await versionOf(wallet);
      const reply = await service.post(path, body, { "if-match": condition(version) });
      expect([path, reply.status]).toEqual([path, path === "/transactions" ? 202 : 201]);
      expect(await versionOf(wallet)).toBe(version + 1);
    }
  });

  test("of a transfer it is the payer's version that counts", async () => {
    const [payer, receiver] = [await service.open("5"), await service.open()];
    const reply = await service.post(
      `/wallets/${payer}/transfer`,
      { amount: "1", to_wallet_id: receiver },
      { "if-match": '"2"' },
    );
    expect(reply.status).toBe(201);
    expect([await versionOf(payer), await versionOf(receiver)]).toEqual([3, 2]);
  });

  test("of many that have seen the same version, one comes through", async () => {
    const purse = await service.open("100");
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        service.post(`/wallets/${purse}/withdraw`, { amount: "1" }, { "if-match": '"2"' }),
      ),
    );
    expect(replies.map(({ status }) => status).toSorted()).toEqual([201, ...Array(19).fill(412)]);
    expect((await service.get(`/wallets/${purse}`)).body).toMatchObject({ balance: "99.0000", version: 3 });
  });

  test("`*` says that the wallet exists", async () => {
    const reply = await service.post(`/wallets/${crypto.randomUUID()}/fund`, { amount: "1" }, { "if-match": "*" });
    expect([reply.status, reply.body.code]).toEqual([404, "wallet_not_found"]);
  });
});

describe("every answer that is a wallet carries its version", () => {
  test("as ETag, on opening, reading, freezing and unfreezing", async () => {
    const opened = await service.post("/wallets", { user_id: "etag" });
    const path = `/wallets/${opened.body.id}`;
    const replies = [
      opened,
      await service.get(path),
      await service.post(`${path}/freeze`),
      await service.post(`${path}/unfreeze`),
    ];
    expect(replies.map(({ headers }) => headers.get("etag"))).toEqual(['"1"', '"1"', '"2"', '"3"']);
    expect(replies.map(({ body }) => body.version)).toEqual([1, 1, 2, 3]);
    expect(replies.map(({ headers }) => headers.get("cache-control"))).toEqual(Array(4).fill("private, no-cache"));
  });

  test.each([
    ['"1"', 304],
    ['W/"1"', 304],
    ['"7", "1"', 304],
    ["*", 304],
    ['"2"', 200],
    ["1", 200],
    ['"1', 200],
    ["", 200],
  ])("a reader that has %s is answered %i", async (condition, status) => {
    const path = `/wallets/${await service.open()}`;
    const reply = await service.get(path, { "if-none-match": condition });
    expect([reply.status, reply.headers.get("etag")]).toEqual([status, '"1"']);
    expect(reply.text === "").toBe(status === 304);
    expect((await service.send("HEAD", path, { headers: { "if-none-match": condition } })).status).toBe(status);
  });

  test("a wallet that has changed is told anew", async () => {
    const id = await service.open();
    await service.post(`/wallets/${id}/fund`, { amount: "1" });
    expect((await service.get(`/wallets/${id}`, { "if-none-match": '"1"' })).body).toMatchObject({
      balance: "1.0000",
      version: 2,
    });
  });
});
