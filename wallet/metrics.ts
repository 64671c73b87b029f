import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Committer } from "./committer.ts";

/** What an operator watches of the wallet service, beside its requests. */

/** Upper bounds: powers of about two up to a full call. */
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 350, 500];
/** Upper bounds in seconds: an fsync on a good disk to a call that met its time-out. */
const COMMIT_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface CommitMetrics {
  readonly onCall: (operations: number, durationMs: number) => void;
}

export function createCommitMetrics(registry: Registry): CommitMetrics {
  const size = new Histogram({
    name: "wallet_commit_operations",
    help: "Operations that shared one commit.",
    buckets: BATCH_BUCKETS,
    registers: [registry],
  });
  const duration = new Histogram({
    name: "wallet_commit_duration_seconds",
    help: "Time of one call of the database, repetitions included.",
    buckets: COMMIT_BUCKETS_S,
    registers: [registry],
  });
  return {
    onCall(operations, durationMs) {
      size.observe(operations);
      duration.observe(durationMs / 1000);
    },
  };
}

/** Operations that wait, read when Prometheus asks. */
export function watchQueue(registry: Registry, committer: Pick<Committer, "queued">): void {
  new Gauge({
    name: "wallet_commit_queue_operations",
    help: "Operations that wait for a call of the database.",
    registers: [registry],
    collect() {
      this.set(committer.queued());
    },
  });
}

/** Counts idempotency keys that have been removed. */
export function createRemovedKeys(registry: Registry): Counter {
  return new Counter({
    name: "wallet_idempotency_keys_removed_total",
    help: "Idempotency keys that had lived long enough.",
    registers: [registry],
  });
}

/** Counts reservations that were sent again. */
export function createResentReservations(registry: Registry): Counter {
  return new Counter({
    name: "wallet_reservations_resent_total",
    help: "Reservations sent again because the ledger had not answered.",
    registers: [registry],
  });
}
