import { describe, expect, test } from "bun:test";
import { pino } from "pino";
import { makeApiKey, parseApiKeys, ROLES } from "./api-keys.ts";
import { createExample } from "./example-app.ts";
import { createGuard, type GuardSettings, warnIfOpen } from "./guard.ts";

const ID = "0190a1b2-1111-7abc-8def-0123456789ab";
const OFF: GuardSettings = { apiKeys: [], rateLimit: null, trustedProxies: [] };

const KEYS = Object.fromEntries(ROLES.map((role) => [role, makeApiKey({ name: `the-${role}-client`, role })]));
const ENTRIES = Object.values(KEYS).map(({ entry }) => entry);

function keysOf(entries: readonly string[]) {
  const parsed = parseApiKeys(entries.join(","));
  if (!parsed.ok) throw new Error(parsed.expected);
  return parsed.value;
}

function serverWith(settings: Partial<GuardSettings>, corsOrigins: string[] = []) {
  let now = 0;
  const guard = createGuard({ ...OFF, ...settings }, () => now);
  const { app, logged } = createExample({ guard, corsOrigins });
  const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await app.handle(new Request(`http://localhost${path}`, init));
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  const wait = (ms: number) => {
    now += ms;
  };
  return { send, logged, wait };
}

const bearer = (key = "") => ({ authorization: `Bearer ${key}` });

describe("where there are keys, each may do what its role may", () => {
  const { send, logged } = serverWith({ apiKeys: keysOf(ENTRIES) });
  const ROUTES = [
    ["GET", `/wallets/${ID}`, "read"],
    ["HEAD", `/wallets/${ID}`, "read"],
    ["GET", "/metrics", "read"],
    ["POST", `/wallets/${ID}/fund`, "write"],
    ["POST", `/wallets/${ID}/freeze`, "admin"],
  ] as const;

  test.each(ROUTES)("%s %s needs the role %s", async (method, path, needed) => {
    const json = path.endsWith("/fund") ? '{"amount":"1"}' : undefined;
    const type: Record<string, string> = json === undefined ? {} : { "content-type": "application/json" };
    for (const role of ROLES) {
      const { status, headers, body } = await send(method, path, { ...type, ...bearer(KEYS[role]?.key) }, json);
      if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) expect([role, status < 300]).toEqual([role, true]);
      else {
        expect([role, status, body.code]).toEqual([role, 403, "forbidden"]);
        expect(body.detail).toBe(`The API key of the-${role}-client has the role ${role}; this needs ${needed}.`);
        expect(headers.get("www-authenticate")).toBe(
          `Bearer realm="wallet", error="insufficient_scope", scope="${needed}"`,
        );
      }
    }
    const nobody = await send(method, path, type, json);
    expect([nobody.status, nobody.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="wallet"']);
    expect(nobody.headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    ["an unknown key", "Bearer dw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    ["the hash instead of the key", `Bearer ${ENTRIES[0]?.split(":")[2]}`],
    ["a part of a key", `Bearer ${KEYS.admin?.key.slice(0, -1)}`],
    ["a key and more", `Bearer ${KEYS.admin?.key}x`],
    ["two keys", `Bearer ${KEYS.admin?.key}, Bearer ${KEYS.read?.key}`],
    ["another scheme", `Basic ${KEYS.admin?.key}`],
    ["no scheme", `${KEYS.admin?.key}`],
    ["nothing", "Bearer "],
    ["something long", `Bearer ${"x".repeat(10_000)}`],
  ])("%s is nobody's", async (_, authorization) => {
    const { status, headers, body } = await send("GET", `/wallets/${ID}`, { authorization });
    expect([status, body.code]).toEqual([401, "unauthenticated"]);
    expect(headers.get("www-authenticate")).toBe('Bearer realm="wallet", error="invalid_token"');
  });

  test("the scheme is written in any case", async () => {
    for (const scheme of ["bearer", "BEARER", "Bearer "])
      expect((await send("GET", `/wallets/${ID}`, { authorization: `${scheme} ${KEYS.read?.key}` })).status).toBe(200);
  });

  test("a key in the address is none, and a stranger is told nothing of the request's other faults", async () => {
    for (const name of ["access_token", "api_key", "x"])
      expect((await send("GET", `/wallets/${ID}?${name}=${KEYS.read?.key}`)).status).toBe(401);
    for (const path of ["/wallets/nonsense", `/wallets/${ID}?unknown=1`])
      expect((await send("GET", path)).body.errors).toBeUndefined();
    expect((await send("POST", `/wallets/${ID}/fund`, {}, "x".repeat(70_000))).status).toBe(401);
  });

  test("health, the API's description and what explains errors need none", async () => {
    const open = ["/health", "/health/live", "/swagger", "/swagger/json", "/swagger/files/start.js", "/problems"];
    for (const path of [...open, "/problems/unauthenticated"])
      expect([path, (await send("GET", path)).status]).toEqual([path, 200]);
    expect((await send("OPTIONS", `/wallets/${ID}`)).status).toBe(204);
    expect((await send("GET", "/nowhere")).status).toBe(404);
    expect((await send("DELETE", `/wallets/${ID}`)).status).toBe(405);
  });

  test("one client may have two keys, so that one can be replaced", async () => {
    const second = makeApiKey({ name: "the-read-client", role: "read" });
    const renewed = serverWith({ apiKeys: keysOf([...ENTRIES, second.entry]) });
    for (const key of [KEYS.read?.key, second.key])
      expect((await renewed.send("GET", `/wallets/${ID}`, bearer(key))).status).toBe(200);
  });

  test("no key is in the log, at whatever level", () => {
    expect(logged.length).toBeGreaterThan(20);
    for (const { key } of Object.values(KEYS)) expect(logged.join("")).not.toContain(key);
  });
});

describe("where there are no keys", () => {
  test("credentials make no difference", async () => {
    const { send } = serverWith({});
    expect((await send("GET", `/wallets/${ID}`, bearer("anything"))).status).toBe(200);
    expect(createGuard(OFF, () => 0)).toBeUndefined();
  });

  test.each([
    ["0.0.0.0", 0, 1],
    ["::", 0, 1],
    ["192.0.2.1", 0, 1],
    ["127.0.0.1", 0, 0],
    ["127.1.2.3", 0, 0],
    ["localhost", 0, 0],
    ["::1", 0, 0],
    ["0.0.0.0", 1, 0],
  ])("listening on %s with %d keys, the log has %d warnings", (hostname, keys, warnings) => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    warnIfOpen({ ...OFF, apiKeys: keysOf(ENTRIES.slice(0, keys)) }, hostname, log);
    expect(lines.filter((line) => JSON.parse(line).level === 40)).toHaveLength(warnings);
  });
});

const LIMIT = { requests: 1, window_ms: 1_000, burst: 3 };

describe("where there is a limit, each client has its own", () => {
  test("beyond it a request is refused before anything else, and told when to come again", async () => {
    const { send, wait } = serverWith({ rateLimit: LIMIT });
    const statuses: number[] = [];
    for (const path of [`/wallets/${ID}`, "/nowhere", "/wallets/nonsense", "/broken/error"])
      statuses.push((await send("GET", path)).status);
    expect(statuses).toEqual([200, 404, 400, 429]);
    const { headers, body } = await send("GET", `/wallets/${ID}`);
    expect(body).toMatchObject({ code: "rate_limited", status: 429 });
    expect(["retry-after", "ratelimit", "ratelimit-policy"].map((name) => headers.get(name))).toEqual([
      "1",
      '"default";r=0;t=3',
      '"default";q=3;w=3',
    ]);
    wait(1_000);
    const again = await send("GET", `/wallets/${ID}`);
    expect([again.status, again.headers.get("ratelimit")]).toEqual([200, '"default";r=0;t=3']);
  });

  test("errors and refusals tell of the quota too", async () => {
    const { send } = serverWith({ rateLimit: LIMIT, apiKeys: keysOf(ENTRIES) });
    for (const path of ["/broken/error", "/nowhere"]) {
      const { headers } = await send("GET", path, bearer(KEYS.admin?.key));
      expect(headers.get("ratelimit-policy")).toBe('"default";q=3;w=3');
    }
    expect((await send("GET", `/wallets/${ID}`)).headers.get("ratelimit")).toBe('"default";r=2;t=1');
  });

  test("with keys it is the client's, whatever its address; those without one share their address's", async () => {
    const second = makeApiKey({ name: "the-write-client", role: "write" });
    const { send } = serverWith({ rateLimit: LIMIT, apiKeys: keysOf([...ENTRIES, second.entry]) });
    const get = async (key?: string) =>
      (await send("GET", `/wallets/${ID}`, key === undefined ? {} : bearer(key))).status;
    expect([await get(KEYS.write?.key), await get(second.key), await get(KEYS.write?.key)]).toEqual([200, 200, 200]);
    expect([await get(second.key), await get(KEYS.read?.key)]).toEqual([429, 200]);
    expect([await get(), await get("wrong"), await get(), await get("wrong too")]).toEqual([401, 401, 401, 429]);
  });

  test("a probe is never refused and never counts", async () => {
    const { send } = serverWith({ rateLimit: LIMIT });
    for (let asked = 0; asked < 20; asked += 1) {
      const { status, headers } = await send("GET", "/health/live");
      expect([status, headers.get("ratelimit")]).toEqual([200, null]);
    }
    expect((await send("GET", `/wallets/${ID}`)).status).toBe(200);
  });

  test("without a limit no answer speaks of one", async () => {
    const { headers } = await serverWith({ apiKeys: keysOf(ENTRIES) }).send(
      "GET",
      `/wallets/${ID}`,
      bearer(KEYS.read?.key),
    );
    expect([headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([null, null]);
  });
});

describe("pages of other sites cannot send what needs no preflight", () => {
  const { send } = serverWith({}, ["http://console.example"]);
  const FREEZE = `/wallets/${ID}/freeze`;

  test.each([
    [{}, 200],
    [{ "sec-fetch-site": "same-origin", origin: "http://wallet.example" }, 200],
    [{ "sec-fetch-site": "none" }, 200],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site", origin: "http://localhost:9999" }, 403],
    [{ "sec-fetch-site": "cross-site", origin: "http://console.example" }, 200],
    [{ origin: "http://evil.example", host: "wallet.example" }, 403],
    [{ origin: "null", host: "wallet.example" }, 403],
    [{ origin: "http://wallet.example:3000", host: "wallet.example:3000" }, 200],
    [{ origin: "http://console.example", host: "wallet.example" }, 200],
  ])("with %p: %d", async (headers, status) => {
    expect((await send("POST", FREEZE, headers)).status).toBe(status);
  });

  test("a body that is not called JSON is refused in any case, and one that is needs a preflight", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
      expect((await send("POST", `/wallets/${ID}/fund`, { "content-type": type }, '{"amount":"1"}')).status).toBe(415);
  });
});

describe("* in CORS_ORIGINS is every origin", () => {
  test("and only there", async () => {
    const every = serverWith({}, ["*"]);
    const { headers } = await every.send("GET", `/wallets/${ID}`, { origin: "http://any.example" });
    expect(headers.get("access-control-allow-origin")).toBe("http://any.example");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    const none = await serverWith({}).send("GET", `/wallets/${ID}`, { origin: "http://any.example" });
    expect(none.headers.get("access-control-allow-origin")).toBeNull();
  });
});
