import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Committer, CommitterOptions } from "./committer.ts";
import type { Operation, Outcome } from "./operation.ts";
import type { Queries } from "./queries.ts";

/** What an operator watches of the wallet service, beside its requests. */

/** Upper bounds: powers of about two up to a full call. */
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 350, 500];
/** Upper bounds in seconds: an fsync on a good disk to a call that met its time-out. */
const COMMIT_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export type CommitMetrics = Required<Pick<CommitterOptions, "onCall">>;

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
  const outcomes = new Counter({
    name: "wallet_operations_total",
    help: "Operations by kind and by what became of them: ok, replayed, the code of a refusal, or why there is no answer.",
    labelNames: ["kind", "outcome"],
    registers: [registry],
  });
  return {
    onCall(operations, results, durationMs) {
      size.observe(operations.length);
      duration.observe(durationMs / 1000);
      for (const { kind, outcome, count } of tally(operations, results)) outcomes.inc({ kind, outcome }, count);
    },
  };
}

interface Tally {
  readonly kind: Operation["kind"];
  readonly outcome: string;
  count: number;
}

/** A list is mostly of one kind and one outcome: counting it here spares the counter a look-up of its labels for each operation. */
function tally(operations: readonly Operation[], outcomes: readonly Outcome[]): Iterable<Tally> {
  const tallies = new Map<string, Tally>();
  for (const [index, { kind }] of operations.entries()) {
    const outcome = nameOf(outcomes[index]);
    const name = `${kind} ${outcome}`;
    const found = tallies.get(name);
    if (found) found.count += 1;
    else tallies.set(name, { kind, outcome, count: 1 });
  }
  return tallies.values();
}

function nameOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "internal_error";
  if (outcome.failure !== undefined) return outcome.failure;
  return outcome.replayed ? "replayed" : (outcome.code ?? "ok");
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

/** Sagas that wait for the ledger, counted when Prometheus asks; what cannot be counted shows nothing, not an old value. */
export function watchSagas(registry: Registry, queries: Pick<Queries, "unfinishedSagas">): void {
  const registers = [registry];
  const oldest = new Gauge({
    name: "wallet_sagas_oldest_seconds",
    help: "Age of the oldest saga that waits for the ledger; 0 where none does.",
    registers,
  });
  new Gauge({
    name: "wallet_sagas_unfinished",
    help: "Sagas that wait for the ledger.",
    registers,
    async collect() {
      const sagas = await queries.unfinishedSagas().catch(() => undefined);
      if (sagas === undefined) {
        this.remove();
        oldest.remove();
        return;
      }
      this.set(sagas.count);
      oldest.set(sagas.oldest_age_s);
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
