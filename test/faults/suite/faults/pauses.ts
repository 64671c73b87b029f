/** A leader that stands still for longer than its lease while another takes over, and then goes on where it was. */

import { until } from "../../../until.ts";
import { AFTER_A_SERVER, type Fault, TWO_OF_EACH } from "../fault.ts";
import { isReady, type Scene } from "../scene.ts";
import type { Service, Slot } from "../slot.ts";

/** Twice the lease (shared/relay.ts, LEASE_MS), and longer than a consumer may be silent (SESSION_TIMEOUT_MS). */
const PAUSE_MS = 7_500;
const CHANGED_WITHIN_MS = 30_000;

async function pauseLeader(scene: Scene, service: Service): Promise<void> {
  const leader = await leaderOf(scene, service);
  const before = await epochOf(scene, service);
  leader.pause();
  try {
    await Bun.sleep(PAUSE_MS);
    // Somebody else publishes by now, and the load goes on while the old leader wakes.
    const what = `a takeover at the ${service} service`;
    await until(async () => (await epochOf(scene, service)) > before, { what, timeout_ms: CHANGED_WITHIN_MS });
  } finally {
    leader.wake();
  }
  scene.over();
  scene.add("takeovers");
  await isReady(leader);
}

async function leaderOf(scene: Scene, service: Service): Promise<Slot> {
  return until(
    async () => {
      for (const slot of scene.of(service)) if (await slot.leads()) return slot;
      return undefined;
    },
    { what: `a ${service} service publishes`, timeout_ms: CHANGED_WITHIN_MS },
  );
}

async function epochOf(scene: Scene, service: Service): Promise<bigint> {
  const [row] = await scene.asOwner(
    (sql) => sql<{ epoch: string }[]>`select epoch::text from ${sql(service)}.relay_state`,
  );
  return BigInt(row?.epoch ?? "0");
}

export const WALLET_PAUSED: Fault = {
  name: "wallet paused",
  does: "two of each; the wallet service that publishes is paused for 7.5 s (the lease is 3 s), another takes over, and it wakes under load",
  stage: TWO_OF_EACH,
  strike: (scene) => pauseLeader(scene, "wallet"),
  wants: { unknown: 100, takeovers: 1 },
  goal: AFTER_A_SERVER,
  selected: true,
};

export const HISTORY_PAUSED: Fault = {
  name: "history paused",
  does: "the same with the history service that publishes: its relay and its partitions change hands while it sleeps",
  stage: TWO_OF_EACH,
  strike: (scene) => pauseLeader(scene, "history"),
  wants: { takeovers: 1 },
  goal: AFTER_A_SERVER,
};
