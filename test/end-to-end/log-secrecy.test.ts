/** What the servers write while all kinds of things happen to distinctive people, amounts and secrets. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectFunctions } from "../../shared/database.ts";
import { makeApiKey } from "../../shared/http/api-keys.ts";
import { connectProducer } from "../../shared/kafka.ts";
import { createLog } from "../../shared/log.ts";
import { spawnService, until } from "../cluster.ts";
import { isAtWork, prepareGround, type RunningSystem, stopAll } from "./system.ts";
import { type Client, clientOf } from "./wallet-service.ts";

const KEY = makeApiKey({ name: "office", role: "admin" });
const STRANGE_KEY = "dw_strangerstrangerstranger";
const USERS = ["Zebulon-Quist", "Ottoline-Vex"] as const;
const DESCRIPTION = "for the violet umbrella";
const REFERENCE = "REF-MAGENTA-77";
const IDEMPOTENCY_KEY = "idem-cinnabar-31";
const AMOUNTS = ["7391.2648", "1284.9173", "90000417.3311"] as const;
const POISON = "poison-verdigris";
const SEND_DEADLINE_MS = 10_000;

let system: RunningSystem;
let client: Client;
let reader: Client;

function withKey(url: string): Client {
  const plain = clientOf(url);
  const authorization = { authorization: `Bearer ${KEY.key}` };
  return {
    ...plain,
    get: (path, headers = {}) => plain.get(path, { ...authorization, ...headers }),
    post: (path, body, headers = {}) => plain.post(path, body, { ...authorization, ...headers }),
  };
}

beforeAll(async () => {
  const ground = await prepareGround("log-secrecy");
  const env = { ...ground.env, API_KEYS: KEY.entry, LOG_LEVEL: "info" };
  const [wallet, history] = await Promise.all([spawnService("wallet", env), spawnService("history", env)]);
  await Promise.all([wallet, history].map(isAtWork));
  system = { ...ground, wallet, history };
  [client, reader] = [withKey(wallet.url), withKey(history.url)];
});

afterAll(async () => {
  if (system) await stopAll(system, system.wallet, system.history);
});

/** Money moves, and is refused, in every way. */
async function move(): Promise<string[]> {
  const [from = "", to = ""] = await Promise.all(
    USERS.map(async (user_id) => (await client.post("/wallets", { user_id })).body.id as string),
  );
  const about = { description: DESCRIPTION, reference: REFERENCE };
  const named = { "idempotency-key": IDEMPOTENCY_KEY };
  const statuses = [
    await client.post(`/wallets/${from}/fund`, { amount: AMOUNTS[0], ...about }, named),
    await client.post(`/wallets/${from}/fund`, { amount: AMOUNTS[1], ...about }, named),
    await client.post(`/wallets/${from}/transfer`, { to_wallet_id: to, amount: AMOUNTS[1], ...about }),
    await client.post(`/wallets/${to}/withdraw`, { amount: AMOUNTS[2], ...about }),
    await client.post(`/wallets/${to}/withdraw`, { amount: `${AMOUNTS[2]}7`, ...about }),
    await client.post(`/wallets/${to}/freeze`, undefined),
    await client.post(`/wallets/${from}/transfer`, { to_wallet_id: to, amount: "1", ...about }),
    await client.post(`/wallets/${to}/unfreeze`, undefined),
    await client.get(`/users/${USERS[0]}/wallets`),
    await client.get(`/users/${USERS[0]}/wallets?${USERS[1]}=1`),
    await client.get(`/${USERS[0]}`),
    await client.get(`/users/${USERS[0]}/wallets`, { authorization: `Bearer ${STRANGE_KEY}` }),
    await reader.get(`/wallets/${from}/history?min_version=3`),
    await reader.get(`/users/${USERS[0]}/activity`),
  ].map(({ status }) => status);
  expect(statuses).toEqual([201, 422, 201, 422, 400, 200, 422, 200, 200, 400, 404, 401, 200, 200]);
  const saga = { sender_wallet_id: from, receiver_wallet_id: to, amount: "0.7391", idempotency_key: IDEMPOTENCY_KEY };
  await client.post("/transactions", { ...saga, idempotency_key: `${IDEMPOTENCY_KEY}-saga`, ...about });
  return [from, to];
}

/** The database refuses what it never should: a column has gone. */
async function breakAndMend([from = ""]: string[]): Promise<void> {
  const owner = connectFunctions(system.database.url, { service: "wallet", purpose: "test", max: 1, asOwner: true });
  await owner.unsafe("alter table wallet.wallets rename column user_id to person");
  await owner.unsafe("alter table history.transaction_events rename column user_id to person");
  const statuses = [
    await client.get(`/users/${USERS[1]}/wallets`),
    await reader.get(`/users/${USERS[1]}/activity`),
    await client.post(`/wallets/${from}/fund`, { amount: AMOUNTS[1], description: DESCRIPTION }),
  ].map(({ status }) => status);
  await owner.unsafe("alter table wallet.wallets rename column person to user_id");
  await owner.unsafe("alter table history.transaction_events rename column person to user_id");
  await owner`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  await owner.end({ timeout: 5 });
  expect(statuses).toEqual([500, 500, 500]);
  await until(async () => (await client.get(`/users/${USERS[1]}/wallets`)).status === 200, {
    what: "the wallet service is back",
  });
}

/** Messages that nobody can apply. */
async function poison(): Promise<void> {
  const log = createLog({ service: "test", level: "silent", pretty: false });
  const brokers = system.env.KAFKA_BROKERS?.split(",") ?? [];
  const producer = await connectProducer({ brokers, ssl: false, sasl: null, clientId: "test", log }, SEND_DEADLINE_MS);
  const event = { type: "WALLET_FUNDED", user_id: USERS[0], amount: AMOUNTS[0], description: POISON };
  const messages = [
    { key: USERS[0], value: `{"${POISON}`, headers: {} },
    { key: USERS[1], value: JSON.stringify(event), headers: { ce_type: POISON } },
  ];
  await producer.send(system.env.KAFKA_TOPIC ?? "", messages, SEND_DEADLINE_MS);
  await producer.close();
  await until(async () => (await reader.get("/dead-letters")).body.items?.length === 2, { what: "two dead letters" });
}

describe("the log at the level info", () => {
  test("has what an operator needs, and nothing of people, their money or secrets", async () => {
    const wallets = await move();
    await breakAndMend(wallets);
    await poison();
    await Promise.all([system.wallet.kill(), system.history.kill()]);

    const lines = `${system.wallet.output()}${system.history.output()}`;
    // Otherwise it would be no wonder that nothing is found.
    for (const told of ["request failed", "cannot be applied", "dead letter", "stopping"])
      expect(lines).toContain(told);
    const secrets = [KEY.key, STRANGE_KEY, KEY.entry, new URL(system.database.url).password];
    const people = [...USERS, DESCRIPTION, REFERENCE, IDEMPOTENCY_KEY, POISON];
    for (const word of [...secrets, ...people, ...AMOUNTS]) {
      expect(word.length).toBeGreaterThan(5);
      const found = lines.split("\n").filter((line) => line.toLowerCase().includes(word.toLowerCase()));
      expect([word, found]).toEqual([word, []]);
    }
  });

  test("every line is JSON with a level and a service", () => {
    const lines = `${system.wallet.output()}\n${system.history.output()}`.split("\n").filter(Boolean);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), service: expect.any(String) });
  });
});
