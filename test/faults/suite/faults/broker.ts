/** A broker that stops, is killed, or stands still. */
import { AFTER_THE_BROKER, type Fault, ONE_OF_EACH } from "../fault.ts";

const STOPPED_MS = 20_000;
const KILLED_MS = 2_000;
const PAUSED_MS = 12_000;

export const BROKER_STOPPED: Fault = {
  name: "broker stopped",
  does: "the broker is stopped in order for 20 s; the wallet takes money meanwhile",
  stage: ONE_OF_EACH,
  async strike(scene) {
    await scene.bed.broker.stop();
    await Bun.sleep(STOPPED_MS);
    await scene.bed.startBroker();
    scene.over();
    scene.add("stops");
  },
  wants: { stops: 1 },
  goal: AFTER_THE_BROKER,
};

export const BROKER_KILLED: Fault = {
  name: "broker killed",
  does: "`kill -9` of the broker; it is started again 2 s later, and recovers its log",
  stage: ONE_OF_EACH,
  async strike(scene) {
    await scene.bed.broker.kill();
    await Bun.sleep(KILLED_MS);
    await scene.bed.startBroker();
    scene.over();
    scene.add("kills");
  },
  wants: { kills: 2 },
  goal: AFTER_THE_BROKER,
  selected: true,
};

export const BROKER_PAUSED: Fault = {
  name: "broker paused",
  does: "SIGSTOP for 12 s: connections stay open and nobody answers; then SIGCONT",
  stage: ONE_OF_EACH,
  async strike(scene) {
    const { pid } = scene.bed.broker;
    process.kill(pid, "SIGSTOP");
    try {
      await Bun.sleep(PAUSED_MS);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    scene.over();
    scene.add("pauses");
  },
  wants: { pauses: 1 },
  goal: AFTER_THE_BROKER,
};
