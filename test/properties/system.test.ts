import { describe, expect, test } from "bun:test";
import { createLog } from "../../shared/log.ts";
import { createTopics, spawnService } from "../cluster.ts";
import { isAtWork, prepareGround, stopAll } from "../end-to-end/system.ts";
import { startMangler } from "../mangler.ts";
import { Workload, withSeed } from "../workload.ts";

/** Both servers at once, under any mix of operations, on topics that repeat and reorder what goes through them. */

const SECONDS = Number(process.env.PROPERTY_SECONDS ?? 8);
const TIMEOUT_MS = SECONDS * 1_000 + 150_000;
const log = createLog({ service: "test", level: "silent", pretty: false });

describe("duplicates and disorder on both topics change nothing", () => {
  test(
    "every answer has happened once, every saga is final, all invariants hold",
    () =>
      withSeed(async (random) => {
        const [ground, mangled] = await Promise.all([prepareGround("system property"), createTopics("mangled")]);
        const { KAFKA_BROKERS = "", KAFKA_TOPIC = "", KAFKA_LEDGER_TOPIC = "" } = ground.env;
        const kafka = { brokers: KAFKA_BROKERS.split(","), ssl: false, sasl: null, clientId: "mangler", log };
        const [events, decisions] = await Promise.all([
          startMangler({ kafka, from: KAFKA_TOPIC, to: mangled.wallet_topic, random }),
          startMangler({ kafka, from: KAFKA_LEDGER_TOPIC, to: mangled.ledger_topic, random }),
        ]);
        const [wallet, history] = await Promise.all([
          spawnService("wallet", { ...ground.env, KAFKA_LEDGER_TOPIC: mangled.ledger_topic }),
          spawnService("history", { ...ground.env, KAFKA_TOPIC: mangled.wallet_topic }),
        ]);
        try {
          await Promise.all([wallet, history].map(isAtWork));
          const servers = { wallet: () => wallet.url, history: () => history.url };
          const workload = new Workload({ random, servers, withoutKeys: true });
          await workload.play(SECONDS * 1_000);
          await workload.expectExactlyOnce(ground);
          await Promise.all([events.drained(), decisions.drained()]);
          await workload.expectExactlyOnce(ground);
          expect(workload.requests()).toBeGreaterThan(100);
          for (const mangler of [events, decisions]) {
            expect(mangler.repetitions()).toBeGreaterThan(0);
            expect(mangler.overtaken()).toBeGreaterThan(0);
          }
        } finally {
          await Promise.all([events.stop(), decisions.stop()]);
          await stopAll(ground, wallet, history);
        }
      }),
    TIMEOUT_MS,
  );
});
