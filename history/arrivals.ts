import type { Logger } from "pino";
import { Problem } from "../shared/http/problems.ts";
import { run } from "../shared/loop.ts";
import type { Awaited, Queries } from "./queries.ts";

/**
 * Requests that wait for a version of a wallet to be stored. However many wait, they cost one query now and then: all
 * versions are looked up together.
 */
export interface Arrivals {
  /** Whether the version is there, at the latest after {@link WAIT_MS}. @throws Problem `overloaded` where too many wait. */
  waitFor(awaited: Awaited): Promise<boolean>;
  /** Something was stored by this process: looks now. */
  wake(): void;
  stop(): Promise<void>;
}

/** How long a request waits for its version; an event is usually here within a tenth of it. */
export const WAIT_MS = 2_000;
/** The most that wait at once: keeps the look-up within a few milliseconds. */
const WAITERS_MAX = 1_000;
/** Between looks, for what other processes store. */
const POLL_MS = 25;
/** With nobody waiting there is nothing to look for; who comes wakes the loop. */
const IDLE_MS = 60_000;
/** A look that takes longer has lost its connection. */
const LOOK_DEADLINE_MS = 7_000;
/** A look that hangs is not waited for longer: it changes nothing. */
const STOP_DEADLINE_MS = 1_000;

interface Waiter extends Awaited {
  readonly settle: (arrived: boolean) => void;
}

export interface ArrivalsOptions {
  readonly queries: Pick<Queries, "arrived">;
  readonly log: Logger;
}

export function createArrivals({ queries, log }: ArrivalsOptions): Arrivals {
  const waiting = new Set<Waiter>();

  const look = async (): Promise<number> => {
    if (waiting.size === 0) return IDLE_MS;
    const asked = [...waiting];
    const found = new Set((await queries.arrived(asked)).map(nameOf));
    for (const waiter of asked) if (found.has(nameOf(waiter))) waiter.settle(true);
    return POLL_MS;
  };

  const loop = run(look, {
    deadline_ms: LOOK_DEADLINE_MS,
    onError: (error) => log.warn({ err: error }, "awaited versions could not be looked up"),
  });

  return {
    waitFor(awaited) {
      if (waiting.size >= WAITERS_MAX) throw new Problem("overloaded");
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiter.settle(false), WAIT_MS);
        const waiter: Waiter = {
          ...awaited,
          settle(arrived) {
            clearTimeout(timer);
            waiting.delete(waiter);
            resolve(arrived);
          },
        };
        waiting.add(waiter);
        loop.wake();
      });
    },
    wake() {
      if (waiting.size > 0) loop.wake();
    },
    async stop() {
      for (const waiter of waiting) waiter.settle(false);
      await loop.stop(STOP_DEADLINE_MS);
    },
  };
}

function nameOf({ wallet_id, version }: Awaited): string {
  return `${wallet_id} ${version}`;
}
