import type { Logger } from "pino";

/** How a server ends: in order, within bounds, and at once if it is asked twice. */

/** After this a stop is no longer graceful; what supervises the process would lose patience soon. */
export const STOP_WITHIN_MS = 10_000;

/** One thing to end. Steps run in the given order, each after the one before. */
export interface StopStep {
  readonly name: string;
  readonly stop: () => Promise<unknown>;
}

/**
 * On SIGTERM or SIGINT runs the steps and exits: 0 when all ended in time, 1 otherwise. A second signal exits at once.
 * A step that fails is logged and the next one runs, since what follows still has to be handed back.
 */
export function stopOnSignals(steps: readonly StopStep[], log: Logger): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.error({}, `not stopped within ${STOP_WITHIN_MS} ms`);
      process.exit(1);
    }, STOP_WITHIN_MS);
    void runSteps(steps, log).then((clean) => {
      log.info({}, "stopped");
      process.exit(clean ? 0 : 1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function runSteps(steps: readonly StopStep[], log: Logger): Promise<boolean> {
  let clean = true;
  for (const { name, stop } of steps) {
    try {
      await stop();
    } catch (error) {
      clean = false;
      log.error({ err: error, step: name }, "a step of stopping failed");
    }
  }
  return clean;
}
