import { withDeadline } from "./deadline.ts";

/**
 * A worker: one run after another, never two at once, for as long as the process lives. What a run does is its own;
 * when it comes, what follows a failure and how it ends is here.
 */
export interface LoopOptions {
  /** A run that takes longer counts as failed, and the next one comes; what hung must be harmless if it ends late. */
  readonly deadline_ms: number;
  /** Told of every failure. */
  readonly onError: (error: unknown) => void;
  /** Pause after a first failure; it doubles with each further one. */
  readonly first_backoff_ms?: number;
  readonly most_backoff_ms?: number;
}

export interface Loop {
  /** Something may have become due: the next run comes now. A pause after a failure is not cut short. */
  wake(): void;
  /** Lets the run at work end, at most this long, and starts no other. */
  stop(deadline_ms: number): Promise<void>;
}

/** One run. It gives the pause until the next in milliseconds: 0 if there is more to do. */
export type RunOnce = (signal: AbortSignal) => Promise<number>;

/** Soon enough that a short disturbance is not noticed. */
const FIRST_BACKOFF_MS = 50;
/** Long enough that a lasting fault costs nothing, short enough that its end is seen at once. */
const MOST_BACKOFF_MS = 1_000;

/** Starts the loop. The signal of each run is aborted when the loop is to stop. */
export function run(runOnce: RunOnce, options: LoopOptions): Loop {
  const stopping = new AbortController();
  let woken = false;
  let endPause: (() => void) | undefined;

  const pause = (pause_ms: number, untilWoken: boolean): Promise<void> => {
    if (stopping.signal.aborted || pause_ms <= 0 || (untilWoken && woken)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        stopping.signal.removeEventListener("abort", end);
        endPause = undefined;
        resolve();
      };
      const timer = setTimeout(end, pause_ms);
      stopping.signal.addEventListener("abort", end);
      if (untilWoken) endPause = end;
    });
  };

  const work = async (): Promise<void> => {
    const first_ms = options.first_backoff_ms ?? FIRST_BACKOFF_MS;
    let backoff_ms = first_ms;
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        const pause_ms = await withDeadline(runOnce(stopping.signal), options.deadline_ms, "the run");
        backoff_ms = first_ms;
        await pause(pause_ms, true);
      } catch (error) {
        options.onError(error);
        await pause(backoff_ms, false);
        backoff_ms = Math.min(backoff_ms * 2, options.most_backoff_ms ?? MOST_BACKOFF_MS);
      }
    }
  };
  const done = work();

  return {
    wake() {
      woken = true;
      endPause?.();
    },
    async stop(deadline_ms) {
      stopping.abort();
      await withDeadline(done, deadline_ms, "the end of the last run").catch(() => undefined);
    },
  };
}
