import { describe, expect, test } from "bun:test";
import { freePort } from "../dev/ports.ts";
import { connectProducer } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { type RunningService, spawnService, until } from "../test/cluster.ts";
import { type Ground, prepareGround } from "../test/end-to-end/system.ts";
import { tellWallet } from "./testing.ts";

const STARTED_WITHIN_MS = 20_000;

async function withService(
  label: string,
  more: Record<string, string>,
  tell: (service: RunningService, ground: Ground) => Promise<void>,
) {
  const ground = await prepareGround(label);
  const service = await spawnService("history", { ...ground.env, ...more });
  try {
    await tell(service, ground);
  } finally {
    await service.kill("SIGKILL");
    await ground.database.drop();
  }
}

const health = async ({ url }: RunningService) => {
  const response = await fetch(`${url}/health`);
  return {
    status: response.status,
    body: (await response.json()) as { status: string; checks: Record<string, string> },
  };
};

async function publish({ env }: Ground, versions: number): Promise<string> {
  const log = createLog({ service: "history", level: "silent", pretty: false });
  const kafka = { brokers: [env.KAFKA_BROKERS ?? ""], ssl: false, sasl: null, clientId: "test", log };
  const producer = await connectProducer(kafka, STARTED_WITHIN_MS);
  const wallet = tellWallet();
  const messages = wallet
    .story(versions)
    .map((event) => ({ key: event.wallet_id, value: JSON.stringify(event), headers: {} }));
  await producer.send(env.KAFKA_TOPIC ?? "", messages, STARTED_WITHIN_MS);
  await producer.close();
  return wallet.wallet_id;
}

describe("the history service as a process", () => {
  test("reads the topic, answers, says how it is, and stops in order while a client follows", () =>
    withService("history main", {}, async (service, ground) => {
      await until(async () => (await health(service)).body.status === "ok", { timeout_ms: STARTED_WITHIN_MS });
      const stream = await fetch(`${service.url}/events`);
      const followed = stream.text();
      const wallet_id = await publish(ground, 5);
      const answer = await fetch(`${service.url}/wallets/${wallet_id}/history?min_version=5`);
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(5);
      const lag = await until(async () => {
        const measured = (await (await fetch(`${service.url}/lag`)).json()) as { lag: number };
        return measured.lag === 0 && measured;
      });
      expect(lag).toMatchObject({ lag_seconds: 0, gaps: 0, dead_letters: 0 });
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      expect(metrics).toMatch(/history_lag_events\{partition="5".*\} 0/);
      expect(metrics).toMatch(/history_gaps\{.*\} 0/);
      expect(metrics).toMatch(/outbox_events\{.*\} 0/);
      expect(metrics).toMatch(/outbox_oldest_seconds\{.*\} 0/);
      expect(metrics).toMatch(/relay_leader\{.*\} 1/);
      expect(metrics).toMatch(/history_messages_total\{outcome="stored".*\} 5/);
      const asked = performance.now();
      expect(await service.kill()).toBe(0);
      expect(performance.now() - asked).toBeLessThan(5_000);
      expect((await followed).match(/^event: /gm)).toHaveLength(5);
    }));

  test("waits for its database and its broker, and says so", async () => {
    const [database, broker] = [await freePort(), await freePort()];
    const away = { DATABASE_URL: `postgres://nobody@127.0.0.1:${database}/none`, KAFKA_BROKERS: `127.0.0.1:${broker}` };
    await withService("history waits", away, async (service) => {
      expect(await health(service)).toEqual({
        status: 503,
        body: { status: "down", checks: { database: "down", broker: "down" } },
      });
      const started = performance.now();
      for (const path of ["/users/alice/activity", "/lag", "/events", "/dead-letters"]) {
        const response = await fetch(service.url + path);
        expect([path, response.status, ((await response.json()) as { code: string }).code]).toEqual([
          path,
          503,
          "unavailable",
        ]);
      }
      expect(performance.now() - started).toBeLessThan(8_000);
      expect((await fetch(`${service.url}/metrics`)).status).toBe(200);
      expect(await service.kill()).toBe(0);
    });
  });
});
