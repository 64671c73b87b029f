/** New processes one after the other, behind the gateway, and no client that notices. */
import { AFTER_A_SERVER, type Fault } from "../fault.ts";
import { isReady } from "../scene.ts";

/** The gateway asks a server that did not answer again after 2 s (nginx.conf, fail_timeout). */
const BACK_AT_GATEWAY_MS = 2_200;
const STOP_WITHIN_MS = 10_000;

export const ROLLING_RESTART: Fault = {
  name: "rolling restart",
  does: "two of each behind nginx; each is stopped by SIGTERM and replaced, one after the other: no client is told of a failure",
  stage: { wallets: 2, histories: 2, through: "gateway" },
  async strike(scene) {
    const before = scene.load.disappointed;
    for (const slot of scene.slots) {
      const from = performance.now();
      const code = await slot.kill("SIGTERM");
      const took_ms = performance.now() - from;
      if (code !== 0 || took_ms > STOP_WITHIN_MS)
        scene.wrong.push(`the ${slot.options.service} service ended with ${code} after ${took_ms.toFixed()} ms`);
      await slot.start();
      await isReady(slot);
      await Bun.sleep(BACK_AT_GATEWAY_MS);
      scene.add("replaced");
    }
    scene.over();
    const disappointed = scene.load.disappointed - before;
    if (disappointed > 0) scene.wrong.push(`${disappointed} attempts were not answered with what became of them`);
  },
  wants: { replaced: 4 },
  goal: AFTER_A_SERVER,
};
