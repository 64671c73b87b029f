import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { PROBLEMS, type ProblemCode } from "../../shared/http/problems.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService, until } from "../cluster.ts";
import { type Gateway, startGateway } from "../gateway.ts";
import { execute, launchBrowser, openSwagger } from "./swagger-page.ts";
import { expectInvariants, type Ground, get, historyOf, openFunded, post, prepareGround, stopAll } from "./system.ts";

const [ALICE] = EXAMPLE_WALLETS;

let ground: Ground;
let wallets: RunningService[];
let history: RunningService;
let gateway: Gateway;

beforeAll(async () => {
  ground = await prepareGround("gateway");
  await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
  [history, ...wallets] = await Promise.all([
    spawnService("history", ground.env),
    spawnService("wallet", ground.env),
    spawnService("wallet", ground.env),
  ]);
  await historyOf(history, ALICE.id, 2);
  gateway = await startGateway({ wallet: wallets.map(({ url }) => url), history: [history.url] });
});

afterAll(async () => {
  await gateway?.stop();
  await stopAll(ground, ...(wallets ?? []), history);
});

describe("one door leads to both services", () => {
  test.each([
    ["/wallets/ID", "user_id"],
    ["/wallet/wallets/ID/", "user_id"],
    ["/users/alice/wallets", "items"],
    ["/wallet/users/alice/wallets?limit=1", "items"],
    ["/wallets/ID/transactions", "items"],
    ["/transactions?wallet_id=ID", "items"],
    ["/wallet/transactions/LINE", "wallet_version"],
    ["/wallets/ID/history?limit=1", "items"],
    ["/history/wallets/ID?min_version=2", "items"],
    ["/history/wallets/ID/history", "items"],
    ["/history/history/wallets/ID", "items"],
    ["/users/alice/activity/", "items"],
    ["/users/a%2Fb/activity", "items"],
    ["/history/users/alice", "items"],
    ["/history/users/a%2Fb/activity", "items"],
    ["/wallets/ID/balance?version=2", "as_of"],
    ["/history/wallets/ID/balance?version=2", "as_of"],
    ["/ledger/accounts/external:USD", "kind"],
    ["/history/ledger/trial-balance", "items"],
    ["/lag", "partitions"],
    ["/history/dead-letters?limit=1", "items"],
    ["/health", "checks"],
    ["/wallet/health/", "checks"],
    ["/history/health/live", "status"],
    ["/history/swagger/json", "openapi"],
  ])("GET %s", async (path, member) => {
    const { status, body } = await get(gateway, path.replace("ID", ALICE.id).replace("LINE", ALICE.funding_id));
    expect([status, Object.keys(body)]).toEqual([200, expect.arrayContaining([member])]);
  });

  test("a user id arrives as it was sent, however it is encoded", async () => {
    const opened = await post(gateway, "/wallet/wallets", { user_id: "a/b %2F?#ü" });
    const path = `/users/${encodeURIComponent("a/b %2F?#ü")}/wallets`;
    for (const prefix of ["", "/wallet"])
      expect((await get(gateway, prefix + path)).body.items).toMatchObject([{ id: opened.body.id }]);
  });

  test("headers go through both ways: keys, versions, the request's id", async () => {
    const headers = { "idempotency-key": "gate-1", "if-match": "*", "request-id": 'mine-"1"' };
    const fund = () => post(gateway, `/wallet/wallets/${ALICE.id}/fund`, { amount: "1" }, headers);
    const [first, again] = [await fund(), await fund()];
    expect([first.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(again.headers.get("request-id")).toBe('mine-"1"');
    expect((await get(gateway, first.headers.get("location")!)).body.id).toBe(first.body.id);
    const read = await fetch(`${gateway.url}/wallets/${ALICE.id}`);
    const etag = read.headers.get("etag")!;
    expect(read.headers.get("request-id")).toMatch(/^[0-9a-f]{32}$/);
    const unchanged = await fetch(`${gateway.url}/wallets/${ALICE.id}`, { headers: { "if-none-match": etag } });
    expect(unchanged.status).toBe(304);
  });

  test("a problem comes through as the service wrote it, and its page is found", async () => {
    const { status, headers, body } = await get(gateway, "/history/ledger/accounts/external:XXX");
    expect([status, headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    expect(body).toMatchObject({ code: "account_not_found", request_id: headers.get("request-id") });
    expect((await fetch(gateway.url + String(body.type))).status).toBe(200);
    const wrong = await fetch(`${gateway.url}/wallet/wallets/${ALICE.id}/fund`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "OPTIONS, POST"]);
  });

  test("events come while the stream is open", async () => {
    for (const prefix of ["", "/history"]) {
      const aborted = new AbortController();
      const { body, headers } = await fetch(`${gateway.url}${prefix}/events?wallet_id=${ALICE.id}`, {
        signal: aborted.signal,
      });
      expect(headers.get("content-type")).toStartWith("text/event-stream");
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
      const amount = `0.${1000 + prefix.length}`;
      await post(gateway, `/wallets/${ALICE.id}/fund`, { amount });
      let seen = "";
      while (!seen.includes(`"amount":"${amount}"`)) seen += (await reader.read()).value;
      expect(seen).toContain("event: WALLET_FUNDED");
      aborted.abort();
    }
  });

  test("an answer that is waited for comes when it is there", async () => {
    const bob = await openFunded(gateway, "bob", "1");
    const saga = { sender_wallet_id: ALICE.id, receiver_wallet_id: bob, amount: "1", idempotency_key: bob };
    const { status, headers, body } = await post(gateway, "/wallet/transactions", saga, { prefer: "wait=25" });
    expect([status, body.status, headers.get("preference-applied")]).toEqual([202, "SUCCESS", "wait=25"]);
  });
});

describe("what the gateway answers by itself is in the services' words", () => {
  function expectProblem(code: ProblemCode, { status, headers, body }: Awaited<ReturnType<typeof get>>, path: string) {
    const { status: told, title } = PROBLEMS[code];
    expect([status, headers.get("content-type")]).toEqual([told, "application/problem+json"]);
    const request_id = headers.get("request-id");
    expect(body).toMatchObject({ type: `/problems/${code}`, title, status: told, code, instance: path, request_id });
  }

  test("413, from the same size on", async () => {
    const path = `/wallets/${ALICE.id}/fund`;
    const sized = (bytes: number) => ({ amount: "1", description: "x".repeat(bytes - 31) });
    expect(JSON.stringify(sized(65_536))).toHaveLength(65_536);
    expect((await post(gateway, path, sized(65_536))).body.code).toBe("invalid_request");
    const [here, there] = [await post(gateway, path, sized(65_537)), await post(wallets[0]!, path, sized(65_537))];
    expectProblem("body_too_large", here, path);
    expect({ ...here.body, request_id: "" }).toEqual({ ...there.body, request_id: "" });
    expectProblem("body_too_large", await post(gateway, path, sized(3_000_000)), path);
  });

  test("metrics are not for the world, however the path is written", async () => {
    for (const path of ["/metrics", "/wallet/metrics/", "/history/metrics", "/%6detrics", "/wallet//metrics"])
      expectProblem("not_found", await get(gateway, path), path);
    expect((await fetch(`${wallets[0]!.url}/metrics`)).status).toBe(200);
  });

  test("a service that is down: nothing happened to a read, a change may have", async () => {
    const nobody = "http://127.0.0.1:1";
    const alone = await startGateway({ wallet: [nobody], history: [nobody] });
    try {
      const path = `/wallets/${ALICE.id}`;
      const read = await get(alone, path);
      expectProblem("unavailable", read, path);
      expect(read.headers.get("retry-after")).toBe("1");
      expectProblem("outcome_unknown", await post(alone, `${path}/fund`, {}), `${path}/fund`);
    } finally {
      await alone.stop();
    }
  });
});

describe("Swagger UI works behind a prefix", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test.each([
    ["/wallet", "getWallet", "200", '"user_id": "alice"'],
    ["/history", "listHistoryOfWallet", "200", '"event_type": "WALLET_FUNDED"'],
    ["/history", "getTrialBalance", "200", '"clearing": "0.0000"'],
    ["", "fundWallet", "201", '"type": "FUND"'],
  ])("%s: %s can be tried out", async (prefix, operationId, status, shown) => {
    const { page, strangers, complaints } = await openSwagger(browser, `${gateway.url}${prefix}`);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    const answer = await execute(page, operationId);
    // The services' own paths lead there too, but a client of this description is to stay behind its prefix.
    expect(asked.filter((path) => !path.startsWith(`${prefix}/`))).toEqual([]);
    expect({ status: answer.status, strangers, complaints }).toEqual({ status, strangers: [], complaints: [] });
    expect(answer.body).toContain(shown);
    await page.close();
  });
});

describe("a server is lost with a request under way", () => {
  /**
   * Two POSTs, which nginx gives to one server each; one server is stopped before it can read its one, and killed once the
   * other is answered. Gives both replies, the survivor's first.
   */
  async function loseOne(path: string, headers: (n: number) => Record<string, string>) {
    const spare = await spawnService("wallet", ground.env);
    const doomed = await spawnService("wallet", ground.env);
    const pair = await startGateway({ wallet: [doomed.url, spare.url], history: [history.url] });
    try {
      process.kill(doomed.pid, "SIGSTOP");
      const replies = [0, 1].map((n) => post(pair, path, { amount: "7" }, headers(n)));
      const first = await Promise.race(replies);
      await doomed.kill("SIGKILL");
      const all = await Promise.all(replies);
      await until(async () => /prematurely closed|reset by peer/.test(await pair.complaints()));
      return [first, ...all.filter((reply) => reply !== first)];
    } finally {
      await pair.stop();
      await doomed.kill("SIGKILL");
      await spare.kill();
    }
  }

  test("under an Idempotency-Key it is carried out by another, once", async () => {
    const id = await openFunded(gateway, "lost", "1");
    const [first, second] = await loseOne(`/wallet/wallets/${id}/fund`, (n) => ({ "idempotency-key": `${id}-${n}` }));
    expect([first?.status, second?.status]).toEqual([201, 201]);
    expect((await get(gateway, `/wallets/${id}`)).body).toMatchObject({ balance: "15.0000", version: 4 });
  });

  test("without one it is not sent again, and the answer says what is known", async () => {
    const id = await openFunded(gateway, "lost", "1");
    const [first, second] = await loseOne(`/wallets/${id}/fund`, () => ({}));
    expect([first?.status, second?.status, second?.body.code]).toEqual([201, 503, "outcome_unknown"]);
    expect((await get(gateway, `/wallets/${id}`)).body).toMatchObject({ balance: "8.0000", version: 3 });
    await expectInvariants(ground);
  });
});
