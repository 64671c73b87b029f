import { describe, expect, test } from "bun:test";
import { type RunningService, spawnService } from "../cluster.ts";
import { isAtWork, prepareGround, stopAll } from "../end-to-end/system.ts";
import { Workload, withSeed } from "../workload.ts";

/** Real servers, two of each, killed at random moments while they work. */

const SECONDS = Number(process.env.KILL_SECONDS ?? 12);
const TIMEOUT_MS = SECONDS * 1_000 + 180_000;
const MOST_PAUSE_MS = 1_500;
const SERVICES = ["wallet", "history"] as const;

describe("servers that are killed over and over lose nothing and do nothing twice", () => {
  test(
    "every answer has happened once, every saga is final, all invariants hold",
    () =>
      withSeed(async (random) => {
        const ground = await prepareGround("kill");
        const slots: { service: (typeof SERVICES)[number]; running: RunningService }[] = [];
        try {
          for (const service of [...SERVICES, ...SERVICES])
            slots.push({ service, running: await spawnService(service, ground.env) });
          await Promise.all(slots.map(({ running }) => isAtWork(running)));
          const anyOf = (service: string) => () => {
            const these = slots.filter((slot) => slot.service === service);
            return these[Math.floor(random() * these.length)]!.running.url;
          };
          const servers = { wallet: anyOf("wallet"), history: anyOf("history") };
          const workload = new Workload({ random, servers, withoutKeys: false });

          let over = false;
          let kills = 0;
          const killing = (async () => {
            for (;;) {
              await Bun.sleep(random() * MOST_PAUSE_MS);
              if (over) return kills;
              const slot = slots[Math.floor(random() * slots.length)]!;
              await slot.running.kill("SIGKILL");
              kills += 1;
              slot.running = await spawnService(slot.service, ground.env);
            }
          })();
          await workload.play(SECONDS * 1_000).finally(() => {
            over = true;
          });
          await killing;
          expect(kills).toBeGreaterThan(3);
          expect(workload.requests()).toBeGreaterThan(100);
          await workload.expectExactlyOnce(ground);
        } finally {
          await stopAll(ground, ...slots.map(({ running }) => running));
        }
      }),
    TIMEOUT_MS,
  );
});
