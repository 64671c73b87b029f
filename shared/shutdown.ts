import type { Logger } from "pino";

/** How a server ends: in order, within bounds, and at once if it is asked twice; and with a word where it ends by itself. */

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
export function stopOnSignals(steps: readonly StopStep[], log: Logger, within_ms = STOP_WITHIN_MS): void {
  let stopping = false;
  let at: string | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn({ signal, step: at }, "told to stop twice: ended at once");
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.error({ step: at }, `not stopped within ${within_ms} ms`);
      process.exit(1);
    }, within_ms);
    void runSteps(steps, log, (name) => {
      at = name;
    }).then((clean) => {
      log.info({}, "stopped");
      process.exit(clean ? 0 : 1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function runSteps(steps: readonly StopStep[], log: Logger, onStep: (name: string) => void): Promise<boolean> {
  let clean = true;
  for (const { name, stop } of steps) {
    onStep(name);
    try {
      await stop();
    } catch (error) {
      clean = false;
      log.error({ err: error, step: name }, "a step of stopping failed");
    }
  }
  return clean;
}

/**
 * A failure that nobody has caught is a defect, and nobody knows what it has left half done: the process says what it was and exits
 * with 1, for what supervises it to start another. All that can pass by itself (a database, a broker, a network) is caught where it
 * is met, and ends nothing.
 */
export function exitOnDefects(log: Logger): void {
  const onDefect = (error: unknown): void => {
    log.fatal({ err: error }, `the process ends: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  };
  process.on("uncaughtException", onDefect);
  process.on("unhandledRejection", onDefect);
}
