/** A network that is slow, that cuts or swallows: a proxy before PostgreSQL, and one before the broker. */
import { withDeadline } from "../../../../shared/deadline.ts";
import { AFTER_THE_BROKER, AFTER_THE_DATABASE, between, type Fault } from "../fault.ts";
import type { Scene, Stage } from "../scene.ts";

const THROUGH_PROXIES: Stage = { wallets: 1, histories: 1, through: "proxies" };

/** What the servers notice by their own deadlines (shared/database.ts, STATEMENT_TIMEOUT_MS) may take so much longer. */
const SILENCE_MS = 6_500;
const SLOW_MS = 25;
const SLOW_FOR_MS = 8_000;
const CUTS = 12;
const SWALLOWED_AT_ONCE = 40;
const SWALLOWED_WITHIN_MS = 20_000;

async function cuts(scene: Scene, of: "database" | "broker"): Promise<void> {
  for (let n = 0; n < CUTS; n += 1) {
    await between(scene, 100, 700);
    scene[of].cut();
    scene.add("cuts");
  }
  scene.over();
}

async function slow(scene: Scene, of: "database" | "broker"): Promise<void> {
  scene[of].delay(SLOW_MS);
  await Bun.sleep(SLOW_FOR_MS);
  scene[of].delay(0);
  scene.over();
  scene.add("slow phases");
}

/** Present connections die in silence; new ones are in order, so the fault is over when all have been given up. */
async function blackHole(scene: Scene, of: "database" | "broker"): Promise<void> {
  scene[of].blackHole();
  await Bun.sleep(SILENCE_MS);
  scene.over();
  scene.add("black holes");
}

async function swallow(scene: Scene, of: "database" | "broker", request: RegExp): Promise<void> {
  for (let n = 0; n < SWALLOWED_AT_ONCE; n += 1) {
    await between(scene, 20, 120);
    await withDeadline(scene[of].swallowNextReply(request), SWALLOWED_WITHIN_MS, `a request like ${request}`);
    scene.add("swallowed");
  }
  scene.over();
}

export const DATABASE_SLOW: Fault = {
  name: "slow database",
  does: `every reply of PostgreSQL comes ${SLOW_MS} ms late, for ${SLOW_FOR_MS / 1_000} s`,
  stage: THROUGH_PROXIES,
  strike: (scene) => slow(scene, "database"),
  wants: { "slow phases": 1 },
  goal: AFTER_THE_DATABASE,
};

export const DATABASE_CUT: Fault = {
  name: "database cut off",
  does: "all connections to PostgreSQL are cut, two or three times a second",
  stage: THROUGH_PROXIES,
  strike: (scene) => cuts(scene, "database"),
  wants: { cuts: 24 },
  goal: AFTER_THE_DATABASE,
};

export const DATABASE_DARK: Fault = {
  name: "database silent",
  does: "all packets of the present connections to PostgreSQL vanish, and nobody is told",
  stage: THROUGH_PROXIES,
  strike: (scene) => blackHole(scene, "database"),
  wants: { unknown: 100, "black holes": 2 },
  goal: AFTER_THE_DATABASE,
};

export const COMMIT_SWALLOWED: Fault = {
  name: "commit unanswered",
  does: "PostgreSQL commits a list of operations, and exactly that reply is swallowed and the connection cut",
  stage: THROUGH_PROXIES,
  strike: (scene) => swallow(scene, "database", /apply_operations/),
  wants: { swallowed: 100 },
  goal: AFTER_THE_DATABASE,
  selected: true,
};

export const BROKER_SLOW: Fault = {
  name: "slow broker",
  does: `every reply of the broker comes ${SLOW_MS} ms late, for ${SLOW_FOR_MS / 1_000} s`,
  stage: THROUGH_PROXIES,
  strike: (scene) => slow(scene, "broker"),
  wants: { "slow phases": 1 },
  goal: AFTER_THE_BROKER,
};

export const BROKER_CUT: Fault = {
  name: "broker cut off",
  does: "all connections to the broker are cut, two or three times a second",
  stage: THROUGH_PROXIES,
  strike: (scene) => cuts(scene, "broker"),
  wants: { cuts: 24 },
  goal: AFTER_THE_BROKER,
};

export const BROKER_DARK: Fault = {
  name: "broker silent",
  does: "all packets of the present connections to the broker vanish, and nobody is told",
  stage: THROUGH_PROXIES,
  strike: (scene) => blackHole(scene, "broker"),
  wants: { "black holes": 1 },
  goal: AFTER_THE_BROKER,
};

export const PRODUCE_SWALLOWED: Fault = {
  name: "produce unanswered",
  does: "the broker appends a batch, and exactly that reply is swallowed and the connection cut",
  stage: THROUGH_PROXIES,
  strike: (scene) => swallow(scene, "broker", /^Produce/),
  wants: { swallowed: 100 },
  goal: AFTER_THE_BROKER,
};
