/** Servers that are killed, asked to stop, or stopped while others share their work. */
import { AFTER_A_SERVER, between, type Fault, ONE_OF_EACH, TWO_OF_EACH } from "../fault.ts";
import { isReady, type Scene } from "../scene.ts";
import type { Service, Slot } from "../slot.ts";

/** How long a server may take to stop in order (shared/shutdown.ts). */
const STOP_WITHIN_MS = 10_000;
const AT_ONCE_MS = 1_000;
/** In which every client sends a request, so that many are lost with the server. */
const PRESSED_MS = 300;

async function kill(scene: Scene, ...services: Service[]): Promise<void> {
  const slots = services.flatMap((service) => scene.of(service));
  await between(scene, 300, 1_200);
  const pressed = scene.load.press(PRESSED_MS);
  await between(scene, PRESSED_MS / 2, PRESSED_MS);
  await Promise.all(slots.map((slot) => slot.kill("SIGKILL")));
  await pressed;
  scene.add("kills");
  scene.over();
  await Promise.all(slots.map((slot) => slot.start()));
  await Promise.all(slots.map(isReady));
}

/** Asks the server to stop; it must do so in time, with code 0. */
async function stopInOrder(scene: Scene, slot: Slot): Promise<void> {
  const from = performance.now();
  const code = await slot.kill("SIGTERM");
  const took_ms = performance.now() - from;
  if (code !== 0 || took_ms > STOP_WITHIN_MS) {
    const { service } = slot.options;
    scene.wrong.push(
      `the ${service} service ended with ${code}, ${took_ms.toFixed()} ms after SIGTERM: ${slot.output()}`,
    );
  }
  scene.add("stopped in order");
}

export const KILL_WALLET: Fault = {
  name: "wallet killed",
  does: "`kill -9` of the wallet service under load, again and again; it is started again at once",
  stage: ONE_OF_EACH,
  strike: (scene) => kill(scene, "wallet"),
  wants: { unknown: 100, kills: 3 },
  goal: AFTER_A_SERVER,
};

export const KILL_HISTORY: Fault = {
  name: "history killed",
  does: "the same with the history service",
  stage: ONE_OF_EACH,
  strike: (scene) => kill(scene, "history"),
  wants: { kills: 2 },
  goal: AFTER_A_SERVER,
};

export const KILL_BOTH: Fault = {
  name: "both killed",
  does: "the same with both at the same moment",
  stage: ONE_OF_EACH,
  strike: (scene) => kill(scene, "wallet", "history"),
  wants: { unknown: 100, kills: 2 },
  goal: AFTER_A_SERVER,
  selected: true,
};

export const REBALANCES: Fault = {
  name: "rebalances",
  does: "two of each service; one after the other is killed or stopped and started again, so that groups and leases change hands",
  stage: TWO_OF_EACH,
  async strike(scene) {
    for (let n = 0; n < 4; n += 1) {
      const slot = scene.any();
      if (scene.random() < 0.5) await slot.kill("SIGKILL");
      else await stopInOrder(scene, slot);
      await between(scene, 0, 500);
      await slot.start();
      scene.add("restarts");
      await between(scene, 0, 1_000);
    }
    scene.over();
  },
  wants: { restarts: 8 },
  // A member that was killed while the group was changing is waited for twice (shared/consumer.ts, JOIN_WITHIN_MS).
  goal: { wallet_ms: 5_000, history_ms: 30_000 },
};

export const SIGTERM: Fault = {
  name: "SIGTERM",
  does: "SIGTERM under load: code 0 within 10 s; a second signal in mid-stop: the end at once",
  stage: ONE_OF_EACH,
  async strike(scene, round) {
    const slot = scene.of(round % 2 === 0 ? "wallet" : "history")[0]!;
    await stopInOrder(scene, slot);
    scene.over();
    await slot.start();
    await isReady(slot);
    await Promise.all(scene.recoveries);
    if (slot.options.service === "wallet") await stopTwice(scene, slot);
  },
  wants: { "stopped in order": 4, "second signals": 2 },
  goal: AFTER_A_SERVER,
};

/** While its calls wait for a lock the server cannot stop in order: the second signal must not wait for that. */
async function stopTwice(scene: Scene, slot: Slot): Promise<void> {
  await scene.asOwner(async (sql) => {
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holding = sql.begin(async (held) => {
      await held`lock table wallet.wallets in access exclusive mode`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    slot.signal("SIGTERM");
    await Bun.sleep(300);
    const from = performance.now();
    slot.signal("SIGINT");
    const code = await slot.ended();
    const took_ms = performance.now() - from;
    if (took_ms > AT_ONCE_MS || code !== 1)
      scene.wrong.push(`a second signal ended the server with ${code} after ${took_ms.toFixed()} ms`);
    scene.add("second signals");
    release.resolve();
    await holding;
  });
  await slot.start();
  await isReady(slot);
}
