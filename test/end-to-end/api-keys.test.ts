/** Both servers with API keys, as processes: who may do what, on every route that they have. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { makeApiKey, ROLES } from "../../shared/http/api-keys.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { expectInvariants, isAtWork, prepareGround, type RunningSystem, stopAll } from "./system.ts";
import { clientOf, type Reply } from "./wallet-service.ts";

const KEYS = {
  read: makeApiKey({ name: "reader", role: "read" }),
  write: makeApiKey({ name: "shop", role: "write" }),
  other: makeApiKey({ name: "kiosk", role: "write" }),
  admin: makeApiKey({ name: "office", role: "admin" }),
};
const API_KEYS = Object.values(KEYS)
  .map(({ entry }) => entry)
  .join(",");

let system: RunningSystem;

beforeAll(async () => {
  const ground = await prepareGround("api-keys");
  const env = { ...ground.env, API_KEYS };
  const [wallet, history] = await Promise.all([spawnService("wallet", env), spawnService("history", env)]);
  await Promise.all([wallet, history].map(isAtWork));
  system = { ...ground, wallet, history };
});

afterAll(async () => {
  if (system) await stopAll(system, system.wallet, system.history);
});

const bearer = (who: keyof typeof KEYS) => ({ authorization: `Bearer ${KEYS[who].key}` });

function post(who: keyof typeof KEYS, path: string, body: unknown, key?: string): Promise<Reply> {
  const named: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  return clientOf(system.wallet.url).post(path, body, { ...bearer(who), ...named });
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly role: (typeof ROLES)[number];
}

/** What the server says that it has, with something in the place of each parameter. */
async function operationsOf(service: RunningService): Promise<Operation[]> {
  const { paths } = (await clientOf(service.url).get("/swagger/json")).body;
  return Object.entries<Record<string, { operationId: string; security: [{ api_key: [Operation["role"]] }] }>>(
    paths,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security }]) => ({
      method: method.toUpperCase(),
      path: path.replace("{user_id}", "nobody").replaceAll(/\{\w+\}/g, "01890000-0000-7000-8000-0000000000ff"),
      id: operationId,
      role: security[0].api_key[0],
    })),
  );
}

/** Only what the guard says of it counts here; a stream has no end to wait for. */
async function statusOf(service: RunningService, { method, path }: Operation, headers: Record<string, string>) {
  const response = await fetch(`${service.url}${path}`, { method, headers });
  await response.body?.cancel();
  return response.status;
}

const SERVICES = ["wallet", "history"] as const;

describe("no operation is open because nobody thought of it", () => {
  test.each(SERVICES)("%s: each is refused without a key, and to a role that is too low", async (name) => {
    const operations = await operationsOf(system[name]);
    expect(operations.length).toBeGreaterThan(9);
    for (const operation of operations) {
      const ask = (headers: Record<string, string>) => statusOf(system[name], operation, headers);
      const strangers = [await ask({}), await ask({ authorization: "Bearer dw_guessed" })];
      expect([operation.id, ...strangers]).toEqual([operation.id, 401, 401]);
      for (const role of ROLES) {
        const status = await ask(bearer(role));
        const expected = ROLES.indexOf(role) < ROLES.indexOf(operation.role);
        expect([operation.id, role, status === 401 || status === 403]).toEqual([operation.id, role, expected]);
      }
    }
  });

  test("these need the role admin, and reading needs no more than the role read", async () => {
    const operations = (await Promise.all(SERVICES.map((name) => operationsOf(system[name])))).flat();
    const needing = (role: string) => operations.filter((each) => each.role === role);
    expect(new Set(needing("admin").map(({ id }) => id))).toEqual(
      new Set([
        "freezeWallet",
        "unfreezeWallet",
        "freezeLedgerAccount",
        "unfreezeLedgerAccount",
        "listDeadLetters",
        "getDeadLetter",
        "replayDeadLetter",
      ]),
    );
    expect(new Set(needing("write").map(({ method }) => method))).toEqual(new Set(["POST"]));
    expect(new Set(needing("read").map(({ method }) => method))).toEqual(new Set(["GET"]));
  });

  test.each(SERVICES)("%s: what is no operation is open or not on purpose", async (name) => {
    const client = clientOf(system[name].url);
    for (const path of ["/health", "/health/live", "/swagger", "/problems/forbidden"])
      expect([path, (await client.get(path)).status]).toEqual([path, 200]);
    expect((await client.get("/metrics")).status).toBe(401);
    expect((await client.get("/metrics", bearer("read"))).text).toContain("http_requests_total");
  });

  test("the console's page and its files are open, and hold nothing but what everybody may have", async () => {
    const client = clientOf(system.wallet.url);
    for (const path of ["/", "/console/main.js", "/console/style.css"])
      expect([path, (await client.get(path)).status]).toEqual([path, 200]);
  });

  test("servers that have keys do not warn of having none", () => {
    for (const name of SERVICES) expect(system[name].output()).not.toContain("API_KEYS");
  });
});

describe("an Idempotency-Key is one client's", () => {
  test("another client under the same key does something of its own, and each is answered its own again", async () => {
    const body = { user_id: "somebody" };
    const mine = await post("write", "/wallets", body, "key-1");
    const theirs = await post("other", "/wallets", body, "key-1");
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.id).not.toBe(mine.body.id);
    expect(theirs.headers.get("idempotency-replayed")).toBeNull();
    for (const [who, first] of [["write", mine] as const, ["other", theirs] as const]) {
      const again = await post(who, "/wallets", body, "key-1");
      expect([again.text, again.headers.get("idempotency-replayed")]).toEqual([first.text, "true"]);
    }
    expect((await post("write", "/wallets", { user_id: "other" }, "key-1")).body.code).toBe("idempotency_key_reused");
  });

  test("the longest key fits behind the name", async () => {
    const body = { user_id: "somebody" };
    const key = "k".repeat(255);
    const first = await post("write", "/wallets", body, key);
    expect([first.status, (await post("write", "/wallets", body, key)).text]).toEqual([201, first.text]);
  });

  test("the same of a saga, whose key is in its body", async () => {
    const [from, to] = await Promise.all(
      ["payer", "receiver"].map(async (user_id) => (await post("write", "/wallets", { user_id })).body.id),
    );
    await post("write", `/wallets/${from}/fund`, { amount: "10" });
    const saga = { sender_wallet_id: from, receiver_wallet_id: to, amount: "2", idempotency_key: "saga-1" };
    const [mine, theirs] = [await post("write", "/transactions", saga), await post("other", "/transactions", saga)];
    expect([mine.status, theirs.status]).toEqual([202, 202]);
    expect(theirs.body.id).not.toBe(mine.body.id);
    expect((await post("other", "/transactions", saga)).text).toBe(theirs.text);
    for (const { body } of [mine, theirs]) {
      const settled = await clientOf(system.wallet.url).get(`/transactions/${body.id}`, {
        ...bearer("read"),
        prefer: "wait=20",
      });
      expect(settled.body.status).toBe("SUCCESS");
    }
  });
});

describe("the stream of events", () => {
  test("is for those who have a key, in a header", async () => {
    const stop = new AbortController();
    const url = `${system.history.url}/events`;
    expect((await fetch(`${url}?access_token=${KEYS.read.key}`)).status).toBe(401);
    const response = await fetch(url, { headers: bearer("read"), signal: stop.signal });
    expect(response.status).toBe(200);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { body } = await post("write", "/wallets", { user_id: "streamed" });
    let text = "";
    while (!text.includes(body.id)) text += (await reader.read()).value ?? "";
    expect(text).toContain("event: WALLET_CREATED");
    stop.abort();
  });
});

describe("the demo", () => {
  const play = async (env: Record<string, string>) => {
    const addresses = { WALLET_URL: system.wallet.url, HISTORY_URL: system.history.url };
    const child = Bun.spawn([process.execPath, "--no-env-file", "dev/demo.ts"], {
      cwd: join(import.meta.dir, "../.."),
      env: { PATH: process.env.PATH, ...addresses, ...env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { output: await new Response(child.stdout).text(), code: await child.exited };
  };

  test("is played with the key that it is given, and does not show it", async () => {
    const { output, code } = await play({ API_KEY: KEYS.admin.key });
    expect([code, output]).toEqual([0, expect.stringContaining("all was as told")]);
    expect(output).not.toContain(KEYS.admin.key);
    expect((await play({})).code).toBe(1);
  });
});

describe("in the end", () => {
  test("the invariants hold", () => expectInvariants(system));
});
