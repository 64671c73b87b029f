/** What every answer says to a browser, and what a limit does to a client: on the servers as processes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type RunningService, spawnService } from "../cluster.ts";
import { isAtWork, openFunded, prepareGround, type RunningSystem, stopAll } from "./system.ts";
import { clientOf } from "./wallet-service.ts";

let system: RunningSystem;
let wallet_id: string;
const more: RunningService[] = [];

beforeAll(async () => {
  const ground = await prepareGround("security");
  const [wallet, history] = await Promise.all([
    spawnService("wallet", ground.env),
    spawnService("history", ground.env),
  ]);
  await Promise.all([wallet, history].map(isAtWork));
  system = { ...ground, wallet, history };
  wallet_id = await openFunded(wallet, "somebody", "5");
});

afterAll(async () => {
  if (system) await stopAll(system, system.wallet, system.history, ...more);
});

type Name = "wallet" | "history";
const PAGES: readonly (readonly [Name, string])[] = [
  ["wallet", "/"],
  ["wallet", "/swagger"],
  ["wallet", "/problems"],
  ["wallet", "/problems/forbidden"],
  ["history", "/swagger"],
  ["history", "/problems/history_behind"],
];

describe("every answer says what a browser may do with it", () => {
  test.each([
    ["wallet", "GET", "/wallets/ID", 200],
    ["wallet", "HEAD", "/wallets/ID", 200],
    ["wallet", "OPTIONS", "/wallets/ID", 204],
    ["wallet", "GET", "/wallets/ID/transactions", 200],
    ["wallet", "POST", "/wallets/ID/freeze", 200],
    ["wallet", "GET", "/wallets/nonsense", 400],
    ["wallet", "GET", "/nowhere", 404],
    ["wallet", "DELETE", "/wallets/ID", 405],
    ["wallet", "GET", "/metrics", 200],
    ["history", "GET", "/wallets/ID/history", 200],
    ["history", "GET", "/ledger/trial-balance", 200],
    ["history", "GET", "/health", 200],
    ["history", "GET", "/lag?x=1", 400],
  ] as const)("%s %s %s", async (name, method, path, status) => {
    const answer = await clientOf(system[name].url).send(method, path.replace("ID", wallet_id));
    expect(answer.status).toBe(status);
    const { headers } = answer;
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe(headers.has("etag") ? "private, no-cache" : "no-store");
    expect(headers.get("request-id")).toBeTruthy();
    for (const telling of ["server", "x-powered-by", "access-control-allow-origin", "set-cookie"])
      expect([telling, headers.get(telling)]).toEqual([telling, null]);
  });

  test("a stream too", async () => {
    const response = await fetch(`${system.history.url}/events`);
    await response.body?.cancel();
    expect([response.headers.get("cache-control"), response.headers.get("x-content-type-options")]).toEqual([
      "no-store",
      "nosniff",
    ]);
  });

  test.each(PAGES)("a page (%s %s) runs nothing but its own, and in nobody's frame", async (name, path) => {
    const { status, headers } = await clientOf(system[name].url).get(path);
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const policy = headers.get("content-security-policy") ?? "";
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"])
      expect(policy.split("; ")).toContain(rule);
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe|\*|https?:/);
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });
});

describe("every route is in the API description or known by name", () => {
  const COMMON = ["/health", "/health/live", "/metrics", "/problems", "/problems/:code"];

  test.each<[Name, string[]]>([
    ["wallet", ["/", "/console/:file"]],
    ["history", []],
  ])("%s", async (name, own) => {
    const { paths } = (await clientOf(system[name].url).get("/swagger/json")).body;
    const described = Object.keys(paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ":$1"));
    const swagger = ["/swagger", "/swagger/json", "/swagger/files/:file"];
    expect(new Set(await routesOf(name))).toEqual(new Set([...described, ...own, ...COMMON, ...swagger]));
  });
});

/** The routes as the source declares them. */
async function routesOf(name: Name): Promise<string[]> {
  const sources = [`${name}/*.ts`, "shared/http/{docs,health,metrics,problem-pages}.ts"];
  const found = await Promise.all(sources.map(declaredIn));
  return found.flat();
}

async function declaredIn(pattern: string): Promise<string[]> {
  const checkout = join(import.meta.dir, "../..");
  const paths = await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: checkout }));
  const texts = paths
    .filter((path) => !/\.(test|fixture)\.|testing/.test(path))
    .map((path) => Bun.file(join(checkout, path)).text());
  return (await Promise.all(texts)).flatMap((text) =>
    [...text.matchAll(/\.(?:get|post|put|patch|delete|all|route)\(\s*"(\/[^"]*)"/g)].map(([, path = ""]) => path),
  );
}

describe("no server asks an address that a client gives", () => {
  test("there is no call of fetch in what answers requests", async () => {
    const checkout = join(import.meta.dir, "../..");
    const paths = await Array.fromAsync(new Bun.Glob("{wallet,history,shared}/**/*.ts").scan({ cwd: checkout }));
    const callers: string[] = [];
    for (const path of paths.filter((each) => !/\.(test|fixture)\.|testing|example-app/.test(each)))
      if (/\bfetch\(|node:https?"/.test(await Bun.file(join(checkout, path)).text())) callers.push(path);
    // What is here asks configured addresses alone.
    expect(callers).toEqual([]);
  });
});

describe("a server that anyone may use says so", () => {
  test("in one line of its log, as it listens on all addresses", () => {
    for (const { output } of [system.wallet, system.history]) {
      const warnings = output()
        .split("\n")
        .filter((line) => line.includes("API_KEYS is empty"));
      expect(warnings).toHaveLength(1);
      expect(JSON.parse(warnings[0] ?? "")).toMatchObject({ level: "warn", hostname: "0.0.0.0" });
    }
  });
});

describe("a limit is each client's own", () => {
  const RATE_LIMIT = "1/h burst 3";

  async function limited(env: Record<string, string>) {
    const service = await spawnService("wallet", { ...system.env, RATE_LIMIT, ...env });
    more.push(service);
    await isAtWork(service);
    const client = clientOf(service.url);
    return (address: string) => client.get(`/wallets/${wallet_id}`, { "x-forwarded-for": address });
  }

  test("by the address of its connection, whatever it says of itself", async () => {
    const ask = await limited({});
    const statuses: number[] = [];
    for (let each = 1; each <= 4; each += 1) statuses.push((await ask(`198.51.100.${each}`)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const { headers, body } = await ask("198.51.100.9");
    expect(body.code).toBe("rate_limited");
    expect(Number(headers.get("retry-after"))).toBeWithin(3_500, 3_601);
    expect(headers.get("ratelimit-policy")).toBe('"default";q=3;w=10800');
    expect(headers.get("ratelimit")).toMatch(/^"default";r=0;t=\d+$/);
  });

  test("by what a trusted proxy says", async () => {
    const ask = await limited({ TRUSTED_PROXIES: "127.0.0.0/8" });
    const statuses: number[] = [];
    for (const address of ["198.51.100.1", "198.51.100.1", "6.6.6.6, 198.51.100.1", "198.51.100.1", "198.51.100.2"])
      statuses.push((await ask(address)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 200]);
  });
});
