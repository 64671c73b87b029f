import type { Logger } from "pino";
import { createFaultLog } from "../shared/fault-log.ts";
import { type Loop, run } from "../shared/loop.ts";
import type { Queries, SagaRow } from "./queries.ts";

/**
 * Requests that wait for sagas to end. One look for all of them: whichever process settles a saga, its row tells; a settlement
 * in this process wakes the look at once.
 */

/** How late a request learns of a settlement in another process, at most. */
const LOOK_MS = 40;
/** Without anybody waiting there is nothing to look for: `wake` ends the pause. */
const IDLE_MS = 60 * 60 * 1_000;
const RUN_DEADLINE_MS = 10_000;
/** More requests than this are not held: they are answered with the present state at once. */
const WAITING_MAX = 5_000;

export interface Waiting {
  /** The saga once it is final, or undefined when the time is up. */
  wait(id: string, seconds: number): Promise<SagaRow | undefined>;
  /** A saga may have ended. */
  wake(): void;
  /** Answers all who wait. */
  stop(deadlineMs: number): Promise<void>;
}

type Waiter = (saga: SagaRow | undefined) => void;

export function createWaiting(queries: Pick<Queries, "finalSagas">, log: Logger): Waiting {
  const waiters = new Map<string, Set<Waiter>>();
  let waiting = 0;
  let stopped = false;

  const loop: Loop = run(
    async () => {
      if (waiters.size === 0) return IDLE_MS;
      for (const saga of await queries.finalSagas([...waiters.keys()])) {
        for (const waiter of waiters.get(saga.id) ?? []) waiter(saga);
      }
      return waiters.size === 0 ? IDLE_MS : LOOK_MS;
    },
    {
      deadline_ms: RUN_DEADLINE_MS,
      onError: createFaultLog(log, "waiting sagas could not be looked for"),
    },
  );

  return {
    wait(id, seconds) {
      if (stopped || waiting >= WAITING_MAX || seconds === 0) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const waiter: Waiter = (saga) => {
          clearTimeout(timer);
          waiting -= 1;
          const others = waiters.get(id);
          others?.delete(waiter);
          if (others?.size === 0) waiters.delete(id);
          resolve(saga);
        };
        const timer = setTimeout(waiter, seconds * 1000, undefined);
        waiting += 1;
        waiters.set(id, (waiters.get(id) ?? new Set()).add(waiter));
        loop.wake();
      });
    },
    wake: () => loop.wake(),
    async stop(deadlineMs) {
      stopped = true;
      for (const all of [...waiters.values()]) for (const waiter of [...all]) waiter(undefined);
      await loop.stop(deadlineMs);
    },
  };
}
