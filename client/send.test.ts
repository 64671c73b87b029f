import { afterAll, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer } from "node:net";
import { freePort } from "../dev/ports.ts";
import { PROBLEMS, type ProblemCode, problemResponse } from "../shared/http/problems.ts";
import { type ClientOptions, NoAnswer, orThrow, Refused, UnexpectedAnswer, walletClient } from "./index.ts";

/** A server that answers as each test tells it, try by try; the last answer again and again. */
const script: { answers: (() => Response | Promise<Response>)[]; seen: { url: string; headers: Headers }[] } = {
  answers: [],
  seen: [],
};
const server = Bun.serve({
  port: 0,
  idleTimeout: 5,
  fetch(request) {
    // A copy, since a request of Bun's is gone once it is answered.
    script.seen.push({ url: request.url, headers: new Headers(request.headers) });
    const [first] = script.answers.length > 1 ? script.answers.splice(0, 1) : script.answers;
    return first?.() ?? new Response(null, { status: 500 });
  },
});
afterAll(() => server.stop(true));

const WALLET = "01890000-0000-7000-8000-000000000001";
const OPENED = { id: WALLET, user_id: "erin" };
const opened = () => Response.json(OPENED, { status: 201, headers: { "idempotency-replayed": "true" } });
const refusal =
  (code: ProblemCode, headers: Record<string, string> = {}) =>
  () =>
    problemResponse(code, { instance: "/wallets", requestId: "r", headers });

/** A client that does not really pause, and notes for how long it would have. */
function start(answers: typeof script.answers, options: Partial<ClientOptions> = {}) {
  script.answers = [...answers];
  script.seen = [];
  const pauses: number[] = [];
  let keys = 0;
  const client = walletClient({
    url: server.url.origin,
    ...options,
    sending: {
      newKey() {
        keys += 1;
        return `key-${keys}`;
      },
      chance: () => 1,
      pause: async (ms) => void pauses.push(ms),
      ...options.sending,
    },
  });
  const keysSeen = () => script.seen.map(({ headers }) => headers.get("idempotency-key"));
  return { client, pauses, keysSeen };
}

const AGAIN: ProblemCode[] = [
  "overloaded",
  "unavailable",
  "outcome_unknown",
  "history_behind",
  "idempotency_in_progress",
  "rate_limited",
  "request_timeout",
];

describe("a request whose outcome is unknown, or that did nothing, is sent again as it was", () => {
  test.each(AGAIN)("%s", async (code) => {
    const { client, keysSeen } = start([refusal(code), refusal(code), opened]);
    const { data, response } = await client.wallets.post({ user_id: "erin" });
    expect(data).toEqual(expect.objectContaining(OPENED));
    expect(response.headers.get("idempotency-replayed")).toBe("true");
    expect(keysSeen()).toEqual(["key-1", "key-1", "key-1"]);
  });

  test("an answer that breaks off in its middle", async () => {
    const head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let cut = 0;
    const broken = createServer((socket) => {
      socket.on("error", () => undefined).once("data", () => socket.end(`${head}{"id":`, () => socket.destroy()));
      cut += 1;
    });
    await new Promise<void>((resolve) => void broken.listen(0, "127.0.0.1", resolve));
    const { port } = broken.address() as AddressInfo;
    const { client } = start([], { url: `http://127.0.0.1:${port}`, triesMax: 3 });
    const lost = await client.wallets.post({ user_id: "erin" }).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(NoAnswer);
    expect(cut).toBe(3);
    broken.close();
  });

  test("an answer that does not come in its time", async () => {
    const never = () => new Promise<Response>(() => undefined);
    const { client } = start([never, opened], { tryMs: 100 });
    expect((await client.wallets.post({ user_id: "erin" })).status).toBe(201);
  });

  test("a gateway that has lost the server", async () => {
    const { client } = start([() => new Response("<h1>Bad gateway</h1>", { status: 502 }), opened]);
    expect((await client.wallets.post({ user_id: "erin" })).status).toBe(201);
  });
});

describe("a refusal that is the last word is not argued with", () => {
  const final = (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => !AGAIN.includes(code));
  test.each(final)("%s", async (code) => {
    const { client, pauses } = start([refusal(code)]);
    const { data, error } = await client.wallets({ id: WALLET }).fund.post({ amount: "1" });
    expect(data).toBeNull();
    expect<number | undefined>(error?.status).toBe(PROBLEMS[code].status);
    expect(error?.value.code).toBe(code);
    expect([script.seen.length, pauses]).toEqual([1, []]);
  });

  test("and is thrown where the caller would rather catch it", async () => {
    const { client } = start([refusal("insufficient_funds")]);
    const payment = orThrow(client.wallets({ id: WALLET }).withdraw.post({ amount: "1" }));
    const refused = await payment.catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect((refused as Refused).problem.detail).toBe(PROBLEMS.insufficient_funds.detail);
  });
});

describe("it comes back when it was told to, and not for ever", () => {
  test("after Retry-After, and a little more each time", async () => {
    const { client, pauses } = start([
      refusal("overloaded", { "retry-after": "2" }),
      refusal("overloaded", { "retry-after": "1" }),
      opened,
    ]);
    await client.wallets.post({ user_id: "erin" });
    expect(pauses).toEqual([2_100, 1_200]);
  });

  test("after a Retry-After that is a date", async () => {
    const retryAfter = "Sat, 31 Jan 2026 12:00:03 GMT";
    const date = () => Date.parse("2026-01-31T12:00:00Z");
    const { client, pauses } = start([refusal("unavailable", { "retry-after": retryAfter }), opened], {
      sending: { date },
    });
    await client.wallets.post({ user_id: "erin" });
    expect(pauses).toEqual([3_100]);
  });

  test("not where that is later than its deadline: it gives the refusal at once", async () => {
    const { client, pauses } = start([refusal("rate_limited", { "retry-after": "3600" })]);
    const { error } = await client.wallets.post({ user_id: "erin" });
    expect([error?.value.code, pauses, script.seen.length]).toEqual(["rate_limited", [], 1]);
  });

  test("not more often than it may", async () => {
    const { client } = start([refusal("overloaded", { "retry-after": "0" })], { triesMax: 3 });
    expect((await client.wallets.post({ user_id: "erin" })).error?.value.code).toBe("overloaded");
    expect(script.seen.length).toBe(3);
  });

  test("where nobody answers, it tells with which key to ask again", async () => {
    const { client } = start([], { url: `http://127.0.0.1:${await freePort()}`, triesMax: 3 });
    const lost = await client.wallets.post({ user_id: "erin" }).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(NoAnswer);
    expect(lost).toMatchObject({ tries: 3, idempotencyKey: "key-1" });
  });

  test("a caller who has had enough is not kept", async () => {
    const leaving = new AbortController();
    const never = () => {
      leaving.abort(new Error("enough"));
      return new Promise<Response>(() => undefined);
    };
    const { client } = start([never]);
    const call = client.wallets.post({ user_id: "erin" }, { fetch: { signal: leaving.signal } });
    expect(await call.catch((error: unknown) => error)).toEqual(new Error("enough"));
    expect(script.seen.length).toBe(1);
  });

  test("an answer that was asked to take its time gets it", async () => {
    const slow = async () => {
      await Bun.sleep(300);
      return Response.json({ id: WALLET, status: "SUCCESS" });
    };
    const { client } = start([slow], { tryMs: 100, triesMax: 1 });
    const { data } = await client.transactions({ id: WALLET }).get({ headers: { Prefer: "wait=2" } });
    expect(data?.status).toBe("SUCCESS");
  });
});

describe("what is sent", () => {
  test("a caller's own key is kept, and a saga's is that of its body", async () => {
    const { client, keysSeen } = start([opened]);
    await client.wallets.post({ user_id: "erin" }, { headers: { "Idempotency-Key": "mine" } });
    const saga = { sender_wallet_id: WALLET, receiver_wallet_id: WALLET, amount: "1", idempotency_key: "rent" };
    await client.transactions.post(saga);
    await client.wallets({ id: WALLET }).freeze.post();
    expect(keysSeen()).toEqual(["mine", "rent", "key-1"]);
  });

  test("the API key, where there is one; no key of an attempt where nothing is done", async () => {
    const { client } = start([() => Response.json(OPENED)], { apiKey: "dw_secret" });
    const { data } = await client.wallets({ id: WALLET }).get();
    expect(data).toEqual(expect.objectContaining(OPENED));
    const [request] = script.seen;
    expect(request?.headers.get("authorization")).toBe("Bearer dw_secret");
    expect(request?.headers.has("idempotency-key")).toBe(false);
  });

  test("a user's name cannot become another path", async () => {
    const { client } = start([() => Response.json({ items: [], next_cursor: null })]);
    await client.users({ user_id: "../wallets/a b?c" }).wallets.get();
    expect(new URL(script.seen[0]?.url ?? "").pathname).toBe("/users/..%2Fwallets%2Fa%20b%3Fc/wallets");
  });

  test("times stay the texts that they are", async () => {
    const created_at = "2026-01-31T12:00:00.123456Z";
    const { client } = start([() => Response.json({ ...OPENED, created_at })]);
    expect((await client.wallets({ id: WALLET }).get()).data?.created_at).toBe(created_at);
  });
});

describe("what is not the API is not taken for it", () => {
  test.each([
    [
      "a page that says that all is well",
      () => new Response("<h1>Welcome</h1>", { headers: { "content-type": "text/html" } }),
    ],
    ["a page that says that there is none", () => new Response("<h1>404</h1>", { status: 404 })],
    ["an address elsewhere", () => new Response(null, { status: 302, headers: { location: "/login" } })],
    ["a gateway that stays down", () => new Response("down", { status: 503 })],
  ])("%s", async (_, answer) => {
    const { client } = start([answer], { triesMax: 2 });
    const met = await client.wallets.post({ user_id: "erin" }).catch((error: unknown) => error);
    expect(met).toBeInstanceOf(UnexpectedAnswer);
  });
});
