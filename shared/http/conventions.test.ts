import { describe, expect, test } from "bun:test";
import { Elysia, t } from "elysia";
import { conventions, ELYSIA_OPTIONS } from "./conventions.ts";
import { createExample } from "./example-app.ts";
import { exact } from "./fields.ts";

const { app, logged, log, metrics } = createExample();
const ID = "0190a1b2-1111-7abc-8def-0123456789ab";
const FUND = `/wallets/${ID}/fund`;

async function send(
  method: string,
  path: string,
  init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
) {
  const response = await app.handle(new Request(`http://localhost${path}`, { method, ...init }));
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const body = /json/.test(type) && text !== "" ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, type, body };
}

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, path = FUND) =>
  send("POST", path, { headers: { "content-type": "application/json", ...headers }, body });

describe("every response names its request", () => {
  test.each([
    ["GET", "/health/live", 200],
    ["GET", `/wallets/${ID}`, 200],
    ["HEAD", `/wallets/${ID}`, 200],
    ["OPTIONS", `/wallets/${ID}`, 204],
    ["GET", "/nowhere", 404],
    ["DELETE", `/wallets/${ID}`, 405],
    ["POST", FUND, 400],
    ["GET", "/broken/error", 500],
    ["GET", "/broken/nothing", 500],
    ["GET", "/broken/text", 500],
    ["GET", "/broken/problem", 503],
    ["GET", "/broken/value", 422],
  ])("%s %s", async (method, path, status) => {
    const mine = "my-request.1~!";
    const named = await send(method, path, { headers: { "request-id": mine } });
    expect(named.status).toBe(status);
    expect(named.headers.get("request-id")).toBe(mine);
    if (named.type.includes("problem")) expect(named.body).toMatchObject({ request_id: mine, instance: path });
    const unnamed = await send(method, path);
    expect(unnamed.headers.get("request-id")).toMatch(/^[0-9a-f-]{36}$/);
    for (const header of ["cache-control", "x-content-type-options", "referrer-policy"])
      expect(unnamed.headers.get(header)).toBeTruthy();
  });

  test("an id that is not 1 to 64 visible ASCII characters is replaced", async () => {
    for (const id of ["", "x".repeat(65), "a b", "é"]) {
      expect((await send("GET", "/health/live", { headers: { "request-id": id } })).headers.get("request-id")).toMatch(
        /^[0-9a-f-]{36}$/,
      );
    }
    const longest = "x".repeat(64);
    expect((await send("GET", "/health/live", { headers: { "request-id": longest } })).headers.get("request-id")).toBe(
      longest,
    );
  });

  test("an answer with an ETag may be revalidated, any other may not be kept", async () => {
    expect((await send("GET", `/wallets/${ID}`)).headers.get("cache-control")).toBe("private, no-cache");
    expect((await send("GET", "/health")).headers.get("cache-control")).toBe("no-store");
    const unchanged = await send("GET", `/wallets/${ID}`, { headers: { "if-none-match": 'W/"3"' } });
    expect([unchanged.status, unchanged.headers.get("cache-control"), unchanged.headers.get("etag")]).toEqual([
      304,
      "private, no-cache",
      '"3"',
    ]);
  });
});

describe("a defect says nothing about itself, and is logged", () => {
  test.each(["/broken/error", "/broken/text", "/broken/nothing"])("%p", async (path) => {
    const { status, body, type } = await send("GET", path, { headers: { "request-id": `defect-${path}` } });
    expect([status, type]).toEqual([500, "application/problem+json"]);
    expect(Object.keys(body)).toEqual(["type", "title", "status", "detail", "code", "instance", "request_id"]);
    expect(JSON.stringify(body)).not.toMatch(/secret|select|hunter2/);
    const line = logged
      .map((text) => JSON.parse(text))
      .find(({ msg, request_id }) => msg === "request failed" && request_id === `defect-${path}`);
    expect(line).toMatchObject({ level: 50, route: path, method: "GET" });
  });

  // Elysia decides by NODE_ENV, once, what it says of an error; so each needs a process of its own.
  test.each(["production", "development"])("in NODE_ENV=%s", async (environment) => {
    const script = `
      const { createExample } = await import("./example-app.ts");
      const ask = (path, init) => createExample().app.handle(new Request("http://localhost" + path, init)).then((response) => response.text());
      console.log(await ask("/broken/error"));
      console.log(await ask("${FUND}", { method: "POST", headers: { "content-type": "application/json" }, body: '{"amount":"hunter2"}' }));`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: import.meta.dir,
      env: { ...process.env, NODE_ENV: environment },
      stderr: "inherit",
    });
    const lines = (await new Response(child.stdout).text()).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).code)).toEqual(["internal_error", "invalid_amount"]);
    expect(lines.join()).not.toMatch(/secret|select|hunter2/);
  });

  test("a refusal, thrown or returned, is no defect", async () => {
    const thrown = await send("GET", "/broken/problem");
    expect(thrown.body).toMatchObject({ code: "history_behind", version: 7 });
    expect(thrown.headers.get("retry-after")).toBe("1");
    expect((await send("GET", "/broken/value")).body).toMatchObject({
      code: "insufficient_funds",
      transaction_id: "t",
      instance: "/broken/value",
    });
  });
});

describe("a path is known with all its methods", () => {
  test("another method is a 405 that lists them, an unknown path a 404", async () => {
    for (const path of [`/wallets/${ID}`, `/wallets/${ID}/`]) {
      const { status, headers, body } = await send("DELETE", path);
      expect([status, body.code, headers.get("allow")]).toEqual([405, "method_not_allowed", "GET, HEAD, OPTIONS"]);
    }
    expect((await send("GET", FUND)).headers.get("allow")).toBe("OPTIONS, POST");
    expect((await send("HEAD", FUND)).status).toBe(405);
    for (const path of [
      "/",
      "/wallets",
      `/wallets/${ID}/fund/x`,
      `/wallets/${ID}//fund`,
      "//",
      "/users//items",
      `/wallets/${ID}//`,
    ]) {
      expect([path, (await send("GET", path)).body.code]).toEqual([path, "not_found"]);
    }
  });

  test("OPTIONS answers 204 with the methods", async () => {
    const { status, headers, body } = await send("OPTIONS", `${FUND}/`);
    expect([status, headers.get("allow"), body]).toEqual([204, "OPTIONS, POST", ""]);
    expect((await send("OPTIONS", "/nowhere")).status).toBe(404);
  });

  test("HEAD is GET without the body", async () => {
    const path = "/users/anna/items?limit=3";
    const [head, get] = [await send("HEAD", path), await app.handle(new Request(`http://localhost${path}`))];
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(head.headers.get("content-length")).toBe(String((await get.arrayBuffer()).byteLength));
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    expect((await send("HEAD", "/users/anna/items?limit=0")).status).toBe(400);
  });

  test("a slash at the end changes nothing", async () => {
    expect((await post('{"amount":"1"}', {}, `${FUND}/`)).status).toBe(201);
    expect((await send("GET", "/users/anna/items/?limit=2")).body.items).toHaveLength(2);
    expect((await send("GET", "/health/")).status).toBe(200);
  });
});

const nested = (depth: number) => `{"amount":${"[".repeat(depth)}${"]".repeat(depth)}}`;

describe("a body is JSON, small, and has only known fields", () => {
  test("what is right arrives as it was sent", async () => {
    const { status, body } = await post('{"amount":"10.5","description":null,"user_id":"zoë 🙂"}', {
      "content-type": "Application/JSON; charset=UTF-8",
    });
    expect([status, body]).toEqual([201, { amount: "10.5", description: null, user_id: "zoë 🙂" }]);
  });

  test.each([
    ["text/plain"],
    ["application/x-www-form-urlencoded"],
    ["multipart/form-data; boundary=x"],
    ["application/jsonp"],
    ["text/json"],
    [""],
  ])("content type %p is a 415", async (type) => {
    const { status, body } = await post('{"amount":"1"}', { "content-type": type });
    expect([status, body.code]).toEqual([415, "unsupported_media_type"]);
  });

  test("a body without a content type, or with a content coding, is a 415", async () => {
    expect((await send("POST", FUND, { body: new Uint8Array([123, 125]) })).status).toBe(415);
    expect((await post('{"amount":"1"}', { "content-encoding": "gzip" })).status).toBe(415);
    expect((await post('{"amount":"1"}', { "content-encoding": "identity" })).status).toBe(201);
  });

  test.each([
    "",
    " ",
    "{",
    '{"amount":"1"',
    "{'amount':1}",
    '{"amount":"1"}x',
    "undefined",
    '{"amount":"1",}',
    '{"a":"\n"}',
  ])("%p is invalid_json", async (text) => {
    const { status, body } = await post(text);
    expect([status, body.code]).toEqual([400, "invalid_json"]);
  });

  test("bytes that are not UTF-8, and depth without end, are invalid_json", async () => {
    const bytes = new Uint8Array([...Buffer.from('{"amount":"1","description":"'), 0xff, 0xfe, ...Buffer.from('"}')]);
    expect((await post(bytes)).body.code).toBe("invalid_json");
    expect((await post(nested(30_000))).body.code).toBe("invalid_json");
    expect((await post(nested(3))).body.code).toBe("invalid_request");
  });

  test.each(["[]", "null", "1", '"text"', "true"])("%p is JSON, but no object", async (text) => {
    expect((await post(text)).body.code).toBe("invalid_request");
  });

  test("more than 64 KiB is a 413, whether or not the length is announced", async () => {
    const long = `{"amount":"1","description":"${"x".repeat(65_536)}"}`;
    const announced = await post(long, { "content-length": String(long.length) });
    expect([announced.status, announced.body.code]).toEqual([413, "body_too_large"]);
    expect((await post(long)).status).toBe(413);
    const exact64 = `{"amount":"1"${" ".repeat(65_536 - 14)}}`;
    expect(exact64).toHaveLength(65_536);
    expect((await post(exact64)).status).toBe(201);
    expect((await post(`${exact64} `)).status).toBe(413);
  });

  test("unknown fields are named, prototypes are fields like any other", async () => {
    const { status, body } = await post('{"amount":"1","foo":1,"b/a~r":2}');
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect(body.errors).toEqual([
      { in: "body", path: "/foo", message: "is not a known field" },
      { in: "body", path: "/b~1a~0r", message: "is not a known field" },
    ]);
    for (const key of ["__proto__", "constructor", "toString"]) {
      expect((await post(`{"amount":"1","${key}":{"description":"x"}}`)).body.errors).toEqual([
        { in: "body", path: `/${key}`, message: "is not a known field" },
      ]);
    }
    expect((await post('{"__proto__":{"amount":"1"}}')).status).toBe(400);
    expect((await post('{"amount":"x","amount":"2"}')).body).toEqual({ amount: "2" });
  });

  test("a route without a body needs none, and no content type", async () => {
    expect((await send("POST", `/wallets/${ID}/freeze`)).status).toBe(200);
    expect((await send("POST", `/wallets/${ID}/freeze/`, { headers: { "content-type": "text/plain" } })).status).toBe(
      200,
    );
    expect((await post("not json", {}, `/wallets/${ID}/freeze`)).status).toBe(200);
  });
});

describe("an amount is refused under its own code", () => {
  test.each([
    '"abc"',
    '""',
    '"1.00001"',
    '"-1"',
    '"+1"',
    '" 1"',
    '"1 "',
    '"1e3"',
    '"01"',
    '".5"',
    '"1."',
    '"0"',
    '"0.0000"',
    '"1000000000000000"',
    '"1\\n"',
    '"٣"',
    "10.5",
    "0",
    "-1",
    "1e400",
    "9007199254740993",
  ])("%s is invalid_amount", async (amount) => {
    const { status, body } = await post(`{"amount":${amount}}`);
    expect([status, body.code]).toEqual([400, "invalid_amount"]);
    expect(body.errors).toMatchObject([{ in: "body", path: "/amount" }]);
  });

  test.each([
    ['{"amount":null}'],
    ['{"amount":true}'],
    ['{"amount":{}}'],
    ['{"amount":["1"]}'],
    ["{}"],
    ['{"amount":"x","foo":1}'],
  ])("%s is invalid_request", async (text) => {
    expect((await post(text)).body).toMatchObject({ code: "invalid_request" });
  });

  test("a missing field is reported once, as required", async () => {
    expect((await post("{}")).body.errors).toEqual([{ in: "body", path: "/amount", message: "is required" }]);
  });

  test.each(['"0.0001"', '"1"', '"999999999999999.9999"', '"0.1"'])("%s is an amount", async (amount) => {
    expect((await post(`{"amount":${amount}}`)).status).toBe(201);
  });
});

const described = (description: string) => post(JSON.stringify({ amount: "1", description }));

describe("text holds what PostgreSQL can hold, and is counted in characters", () => {
  test("255 characters fit, of whatever width", async () => {
    for (const character of ["x", "é", "🙂"]) {
      expect((await described(character.repeat(255))).status).toBe(201);
      expect((await described(character.repeat(256))).body.errors[0].path).toBe("/description");
    }
  });

  test("NUL and lone surrogates are refused, other control characters are text", async () => {
    for (const bad of ["a\u0000b", "\ud800", "\udc00x", "\ude00\ud83d"])
      expect((await described(bad)).status).toBe(400);
    expect((await described("two\nlines\ttab")).status).toBe(201);
  });

  test("a user id has no control characters and is no dot segment", async () => {
    for (const user_id of ["a\u0000", "a\n", "a\u007f", "a\u0085", "\ud800", "", "x".repeat(101), ".", ".."]) {
      expect((await post(JSON.stringify({ amount: "1", user_id }))).body.errors[0].path).toBe("/user_id");
    }
    for (const user_id of ["...", ".a", "<b>", "' or 1=1", "🙂".repeat(100)])
      expect((await post(JSON.stringify({ amount: "1", user_id }))).status).toBe(201);
  });
});

describe("paths and queries are read strictly", () => {
  test.each([
    ["/wallets/nonsense", "path", "/id"],
    [`/wallets/${ID}x`, "path", "/id"],
    ["/wallets/%zz", "path", "/id"],
    ["/wallets/%ff", "path", "/id"],
    ["/users/%00/items", "path", "/user_id"],
    ["/users/%C2%85/items", "path", "/user_id"],
    ["/users/%E0%A4%A/items", "path", "/user_id"],
    [`/wallets/${ID}?x=1`, "query", "/x"],
    ["/users/a/items?limit=1&limit=1", "query", "/limit"],
    ["/users/a/items?limit=1&%6cimit=2", "query", "/limit"],
    ["/users/a/items?limit=5.0", "query", "/limit"],
    ["/users/a/items?limit=", "query", "/limit"],
    ["/users/a/items?limit", "query", "/limit"],
    ["/users/a/items?limit[]=1", "query", "/limit[]"],
    ["/users/a/items?Limit=1", "query", "/Limit"],
    ["/users/a/items?__proto__=1", "query", "/__proto__"],
    ["/users/a/items?type=fund", "query", "/type"],
    ["/users/a/items?type=FUND,WITHDRAW", "query", "/type"],
    ["/users/a/items?from=yesterday", "query", "/from"],
    ["/users/a/items?from=%ff", "query", "/from"],
    ["/users/a/items?min_version=0", "query", "/min_version"],
    ["/users/a/items?min_version=9007199254740993", "query", "/min_version"],
    ["/users/a/items?a/b~c=1", "query", "/a~1b~0c"],
  ])("GET %s is a 400 about %s %s", async (path, where, pointer) => {
    const { status, body } = await send("GET", path);
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({ in: where, path: pointer });
  });

  test("what is well-formed is accepted", async () => {
    for (const path of [
      "/users/a%2Fb%20%C3%AB%3F/items",
      "/users/a/items?",
      "/users/a/items?&limit=3&",
      `/wallets/${ID.toUpperCase()}`,
    ]) {
      expect([path, (await send("GET", path)).status]).toEqual([path, 200]);
    }
    expect((await send("GET", "/users/a%2Fb%20%C3%AB%3F/items")).body.user_id).toBe("a/b ë?");
  });

  test("a cursor leads to the next page of its own list", async () => {
    const first = (await send("GET", "/users/a/items?limit=5")).body;
    expect(first.items).toHaveLength(5);
    const second = (await send("GET", `/users/a/items?limit=5&cursor=${first.next_cursor}`)).body;
    expect([second.items.length, second.next_cursor]).toEqual([2, null]);
    for (const path of [
      `/users/b/items?cursor=${first.next_cursor}`,
      "/users/a/items?cursor=x",
      "/users/a/items?cursor=",
    ]) {
      expect((await send("GET", path)).body).toMatchObject({ status: 400, code: "invalid_cursor" });
    }
  });

  test("a malformed condition is a 400 about its header", async () => {
    const { body } = await post('{"amount":"1"}', { "if-match": "3" });
    expect(body).toMatchObject({ code: "invalid_request", errors: [{ in: "header", path: "/If-Match" }] });
  });
});

describe("a service that is full", () => {
  let full = true;
  const { app: busy } = createExample({ isFull: () => full });
  let read = 0;
  function fundWith(body: string): Request {
    const pull = (controller: ReadableStreamDefaultController) => {
      read += 1;
      controller.enqueue(new TextEncoder().encode(body));
      controller.close();
    };
    const stream = new ReadableStream({ pull }, { highWaterMark: 0 });
    const headers = { "content-type": "application/json", "request-id": "mine" };
    return new Request(`http://localhost${FUND}`, { method: "POST", headers, body: stream });
  }

  test("refuses what would change something before it reads it, and says when to come again", async () => {
    full = true;
    const response = await busy.handle(fundWith('{"amount":"1"}'));
    expect([response.status, response.headers.get("retry-after"), read]).toEqual([503, "1", 0]);
    expect(await response.json()).toMatchObject({ code: "overloaded", instance: FUND, request_id: "mine" });
    full = false;
    expect([(await busy.handle(fundWith('{"amount":"1"}'))).status, read]).toEqual([201, 1]);
  });

  test.each([
    ["GET", `/wallets/${ID}`, 200],
    ["GET", "/health", 200],
    ["HEAD", `/wallets/${ID}`, 200],
    ["OPTIONS", FUND, 204],
  ])("still answers %s %s", async (method, path, status) => {
    full = true;
    expect((await busy.handle(new Request(`http://localhost${path}`, { method }))).status).toBe(status);
  });
});

describe("browsers of other origins", () => {
  const cors = createExample({ corsOrigins: ["http://console.example"] }).app;
  const from = (origin: string, init: { path?: string; method?: string; headers?: Record<string, string> } = {}) =>
    cors.handle(new Request(`http://localhost${init.path ?? FUND}`, { ...init, headers: { origin, ...init.headers } }));

  test("are not let in unless configured", async () => {
    const { headers } = await send("GET", "/health", { headers: { origin: "http://console.example" } });
    expect([headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual([null, null]);
  });

  test("are let in by exact origin, with errors and all", async () => {
    for (const path of [`/wallets/${ID}`, "/nowhere", "/broken/error"]) {
      const { headers } = await from("http://console.example", { path });
      expect(headers.get("access-control-allow-origin")).toBe("http://console.example");
      expect(headers.get("access-control-expose-headers")).toContain("Idempotency-Replayed");
      expect(headers.get("vary")).toBe("Origin");
    }
    for (const origin of ["http://console.example.evil.example", "https://console.example", "null", ""]) {
      expect((await from(origin, { path: "/health" })).headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("may send the API's headers, after a preflight", async () => {
    const { status, headers } = await from("http://console.example", {
      method: "OPTIONS",
      headers: { "access-control-request-method": "POST" },
    });
    expect([status, headers.get("access-control-allow-methods")]).toEqual([204, "OPTIONS, POST"]);
    for (const name of ["Idempotency-Key", "If-Match", "Prefer", "Request-Id"])
      expect(headers.get("access-control-allow-headers")).toContain(name);
  });
});

describe("requests are counted and logged by route", () => {
  test("the client's path is no label", async () => {
    await send("GET", "/nowhere/123");
    await send("PROPFIND", "/nowhere/123");
    const lines = (await metrics.registry.metrics()).split("\n");
    const text = lines
      .filter((line) => /^(http_requests_total|http_request_duration_seconds_sum|process_resident)/.test(line))
      .join("\n");
    expect(text).toContain(
      'http_requests_total{method="POST",route="/wallets/:id/fund",status="201",service="example"}',
    );
    expect(text).toContain('route="none",status="404"');
    expect(text).toContain('method="other"');
    expect(text).not.toContain("/nowhere");
    expect(text).toContain("http_request_duration_seconds_sum");
    expect(text).toContain("process_resident_memory_bytes");
  });

  test("each request leaves one line", async () => {
    const before = logged.length;
    await send("GET", "/health/live?", { headers: { "request-id": "one-line" } });
    expect(logged.slice(before).map((line) => JSON.parse(line))).toMatchObject([
      { msg: "request", request_id: "one-line", method: "GET", path: "/health/live", status: 200 },
    ]);
  });
});

const createBare = () => new Elysia(ELYSIA_OPTIONS).use(conventions({ log, metrics }));
const messageOf = async (broken: { handle: (request: Request) => Promise<Response> }) => {
  const before = logged.length;
  expect((await broken.handle(new Request("http://localhost/x"))).status).toBe(500);
  return JSON.parse(logged[before] ?? "{}").err.message;
};

describe("a route that breaks the rules of the house is found at start", () => {
  test("options, bodies, parameters and answers", async () => {
    expect(() => new Elysia().use(conventions({ log, metrics }))).toThrow("ELYSIA_OPTIONS");
    expect(await messageOf(createBare().post("/x", () => "", { body: t.Object({ a: t.String() }) }))).toContain(
      "unknown fields",
    );
    expect(
      await messageOf(createBare().post("/x", () => "", { body: exact({ a: t.String({ default: "b" }) }) })),
    ).toContain("defaults");
    expect(await messageOf(createBare().get("/x/:id", () => ""))).toContain("params schema");
    expect(await messageOf(createBare().get("/x/*", () => ""))).toContain("wildcards");
    expect(await messageOf(createBare().get("/x", () => "", { response: t.String() }))).toContain("describe()");
  });
});
