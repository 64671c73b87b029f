import { type ExecuteOptions, execute } from "./execute.ts";
import type { Operation, Outcome, Release, Settle } from "./operation.ts";

/**
 * Group commit: operations queue, and each call of the database takes all that have queued meanwhile.
 *
 * An idle server commits one operation at once; a busy one shares one lock, one round trip and one fsync among hundreds. It
 * clocks itself: nothing waits for company, and there is no setting.
 */

/** Operations of one call: beyond this a call takes so long that it delays those behind it more than it saves. */
export const BATCH_OPERATIONS = 500;
/**
 * The second only goes beside the first with a full list, or when that one is late: two calls wait for each other's wallets, and
 * what queues meanwhile is cheaper in one list. While a full one waits for its fsync, the next one works.
 */
export const CALLS_IN_FLIGHT = 2;
/** A call that has taken so long may be stuck behind somebody else's lock, and no longer holds up what has nothing to do with it. */
export const LATE_MS = 50;
/** What the queue may hold at most, whatever the speed: 20 MB of requests. */
export const QUEUE_OPERATIONS = 20_000;
/**
 * Whoever comes while the first of the queue has waited for so long would wait as long, and its client would have given up: it is
 * refused at once, and what is taken is answered in time. A queue shorter than a call is taken whole by the next one.
 */
export const QUEUE_PATIENCE_MS = 250;
/** An operation that has queued for so long is refused before it is sent, so the refusal is definite. */
export const QUEUE_DEADLINE_MS = 3_000;

interface Waiting {
  readonly operation: Operation;
  readonly since: number;
  readonly until: number;
  readonly resolve: (outcome: Outcome) => void;
}

const OVERLOADED: Outcome = { failure: "overloaded" };

export interface CommitterOptions extends ExecuteOptions {
  /** Called after each call that wrote something: the relay need not wait for its next look. */
  readonly onCommit: () => void;
  /** Told of each call: the operations, their outcomes in the same order, and how long it took in milliseconds. */
  readonly onCall?: (operations: readonly Operation[], outcomes: readonly Outcome[], durationMs: number) => void;
}

export interface Committer {
  /** The outcome of the operation, once it is durable or definitely did not happen. Never throws. */
  submit(operation: Operation): Promise<Outcome>;
  /**
   * The same for what the ledger has decided, ahead of what clients ask: a busy server must still end the sagas it has begun.
   * Its source is bounded by the consumer's batches, so neither the queue's bound nor its deadline applies.
   */
  settle(operation: Settle | Release): Promise<Outcome>;
  /** Whether an operation that came now would be refused. */
  isFull(): boolean;
  /** Whether it was full at some time within the last so many milliseconds. */
  wasFullWithin(ms: number): boolean;
  /** Operations that wait for a call. */
  queued(): number;
  /** Takes no more operations and ends when all that were taken are answered. */
  stop(): Promise<void>;
}

export function createCommitter(options: CommitterOptions): Committer {
  let queue: Waiting[] = [];
  let settlements: Waiting[] = [];
  let inFlight = 0;
  /** When the latest call was sent. */
  let sent_at = 0;
  let full_at = Number.NEGATIVE_INFINITY;
  let look: Timer | undefined;
  let stopped = false;
  let idle: PromiseWithResolvers<void> | undefined;

  function pump(): void {
    while (mayCall()) {
      const first = settlements.slice(0, BATCH_OPERATIONS);
      const then = queue.slice(0, BATCH_OPERATIONS - first.length);
      settlements = settlements.slice(first.length);
      queue = queue.slice(then.length);
      const batch = [...first, ...then];
      inFlight += 1;
      sent_at = options.now();
      void commit(batch).finally(() => {
        inFlight -= 1;
        pump();
        if (inFlight === 0) idle?.resolve();
      });
    }
    if (look === undefined && queued() > 0 && inFlight < CALLS_IN_FLIGHT) look = setTimeout(lookAgain, LATE_MS);
  }

  function mayCall(): boolean {
    if (queued() === 0 || inFlight === CALLS_IN_FLIGHT) return false;
    return inFlight === 0 || queued() >= BATCH_OPERATIONS || options.now() - sent_at >= LATE_MS;
  }

  function lookAgain(): void {
    look = undefined;
    pump();
  }

  function queued(): number {
    return queue.length + settlements.length;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    const start = options.now();
    const live = batch.filter((waiting) => waiting.until > start || refuse(waiting));
    if (live.length === 0) return;
    const operations = live.map((waiting) => waiting.operation);
    const outcomes = await execute(operations, options);
    live.forEach((waiting, index) => {
      waiting.resolve(outcomes[index] ?? { failure: "internal_error" });
    });
    options.onCommit();
    options.onCall?.(operations, outcomes, options.now() - start);
  }

  function isFull(now = options.now()): boolean {
    const [first] = queue;
    if (stopped) return true;
    if (first === undefined || queue.length < BATCH_OPERATIONS) return false;
    const full = queue.length >= QUEUE_OPERATIONS || now - first.since > QUEUE_PATIENCE_MS;
    if (full) full_at = now;
    return full;
  }

  function refuse(waiting: Waiting): false {
    waiting.resolve(OVERLOADED);
    return false;
  }

  return {
    submit(operation) {
      const now = options.now();
      if (isFull(now)) return Promise.resolve(OVERLOADED);
      return new Promise((resolve) => {
        queue.push({ operation, since: now, until: now + QUEUE_DEADLINE_MS, resolve });
        pump();
      });
    },
    settle(operation) {
      return new Promise((resolve) => {
        settlements.push({ operation, since: options.now(), until: Number.POSITIVE_INFINITY, resolve });
        pump();
      });
    },
    isFull: () => isFull(),
    wasFullWithin: (ms) => options.now() - full_at < ms,
    queued,
    async stop() {
      stopped = true;
      if (inFlight === 0) return;
      idle ??= Promise.withResolvers();
      await idle.promise;
    },
  };
}
