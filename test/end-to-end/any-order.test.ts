import { describe, expect, test } from "bun:test";
import { freePort } from "../../dev/ports.ts";
import { type RunningService, spawnService, until } from "../cluster.ts";
import {
  expectInvariants,
  type Ground,
  get,
  historyOf,
  isAtWork,
  openFunded,
  post,
  prepareGround,
  stopAll,
} from "./system.ts";

/** Hands connections on to the broker: from outside, a broker that has come up at this address. */
function comeUp(port: number, broker: string): { stop(): void } {
  const [hostname = "", brokerPort = ""] = broker.split(":");
  type Peer = { other: Bun.Socket<Peer> | null };
  const listener = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port,
    socket: {
      async open(client) {
        client.pause();
        const other = await Bun.connect<Peer>({
          hostname,
          port: Number(brokerPort),
          data: { other: client },
          socket: { data: (_, bytes) => void client.write(bytes), close: () => void client.end() },
        });
        client.data = { other };
        client.resume();
      },
      data: (client, bytes) => void client.data.other?.write(bytes),
      close: (client) => void client.data?.other?.end(),
    },
  });
  return { stop: () => listener.stop(true) };
}

async function withGround(label: string, tell: (ground: Ground, started: RunningService[]) => Promise<void>) {
  const ground = await prepareGround(label);
  const started: RunningService[] = [];
  try {
    await tell(ground, started);
    await expectInvariants(ground);
  } finally {
    await stopAll(ground, ...started);
  }
}

async function versionOf(wallet: RunningService, id: string): Promise<number> {
  return (await get(wallet, `/wallets/${id}`)).body.version;
}

describe("the servers may start, stop and come back in any order", () => {
  test("a history that was down catches up on what happened meanwhile", () =>
    withGround("history-restarted", async ({ env }, started) => {
      const wallet = await spawnService("wallet", env);
      const first = await spawnService("history", env);
      started.push(wallet, first);
      await isAtWork(wallet);
      const [a, b] = [await openFunded(wallet, "ann", "100"), await openFunded(wallet, "bert", "100")];
      expect(await historyOf(first, a, 2)).toHaveLength(2);
      expect(await first.kill()).toBe(0);
      for (let n = 0; n < 20; n++) {
        const [from, to] = n % 2 === 0 ? [a, b] : [b, a];
        expect((await post(wallet, `/wallets/${from}/transfer`, { to_wallet_id: to, amount: "1.5" })).status).toBe(201);
      }
      const second = await spawnService("history", env);
      started.push(second);
      for (const id of [a, b]) {
        const version = await versionOf(wallet, id);
        expect(version).toBe(22);
        expect(await historyOf(second, id, version)).toHaveLength(version);
      }
    }));

  test("a history that was killed in mid-work has every event once", () =>
    withGround("history-killed", async ({ env }, started) => {
      const wallet = await spawnService("wallet", env);
      const first = await spawnService("history", env);
      started.push(wallet, first);
      await isAtWork(wallet);
      const [a, b] = [await openFunded(wallet, "ann", "1000"), await openFunded(wallet, "bert", "1000")];
      await historyOf(first, a, 2);
      const pay = () => post(wallet, `/wallets/${a}/transfer`, { to_wallet_id: b, amount: "1" });
      const paid = Array.from({ length: 100 }, pay);
      await historyOf(first, b, 3);
      await first.kill("SIGKILL");
      expect((await Promise.all(paid)).every(({ status }) => status === 201)).toBe(true);
      const second = await spawnService("history", env);
      started.push(second);
      for (const id of [a, b]) expect(await historyOf(second, id, 102)).toHaveLength(102);
    }));

  test("a history that is there before any wallet gets everything from the first event on", () =>
    withGround("history-first", async ({ env }, started) => {
      const history = await spawnService("history", env);
      started.push(history);
      await until(async () => (await get(history, "/health")).body.status === "ok", { what: "the history is well" });
      const wallet = await spawnService("wallet", env);
      started.push(wallet);
      await isAtWork(wallet);
      const id = await openFunded(wallet, "ann", "7");
      const events = await historyOf(history, id, 2);
      expect(events.map((event) => event.event_type)).toEqual(["WALLET_CREATED", "WALLET_FUNDED"]);
    }));

  test("a history that comes for the first time, long after the events, has them all", () =>
    withGround("history-late", async ({ env }, started) => {
      const wallet = await spawnService("wallet", env);
      started.push(wallet);
      await isAtWork(wallet);
      const [a, b] = [await openFunded(wallet, "ann", "10"), await openFunded(wallet, "bert", "10")];
      expect((await post(wallet, `/wallets/${a}/transfer`, { to_wallet_id: b, amount: "4" })).status).toBe(201);
      await until(
        async () => /^outbox_events(\{[^}]*\})? 0$/m.test(await (await fetch(`${wallet.url}/metrics`)).text()),
        {
          what: "all events are on the topic",
        },
      );
      const history = await spawnService("history", env);
      started.push(history);
      for (const id of [a, b]) expect(await historyOf(history, id, 3)).toHaveLength(3);
    }));

  test("a wallet without its broker takes money, and delivers when the broker comes", () =>
    withGround("no-broker", async ({ env }, started) => {
      const port = await freePort();
      const wallet = await spawnService("wallet", { ...env, KAFKA_BROKERS: `127.0.0.1:${port}` });
      const history = await spawnService("history", env);
      started.push(wallet, history);
      await isAtWork(wallet);
      const [a, b] = [await openFunded(wallet, "ann", "10"), await openFunded(wallet, "bert", "10")];
      expect((await post(wallet, `/wallets/${a}/transfer`, { to_wallet_id: b, amount: "4" })).status).toBe(201);
      const health = await get(wallet, "/health");
      expect([health.status, health.body.status, health.body.checks.database]).toEqual([200, "degraded", "ok"]);
      expect((await get(history, `/wallets/${a}/history`)).body.items).toEqual([]);

      const broker = comeUp(port, env.KAFKA_BROKERS!);
      try {
        const events = await historyOf(history, b, 3);
        expect(events.map((event) => event.event_type)).toEqual(["WALLET_CREATED", "WALLET_FUNDED", "TRANSFER_IN"]);
        expect(await historyOf(history, a, 3)).toHaveLength(3);
        await until(async () => (await get(wallet, "/health")).body.status === "ok", { what: "the wallet is well" });
      } finally {
        broker.stop();
      }
    }));
});
