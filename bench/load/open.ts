/**
 * An open loop: requests start at fixed moments, whether earlier ones are answered or not, and each is measured from the
 * moment for which it was intended, so that a slow moment counts for all that would have met it.
 *
 * Run as a process of its own: `bun bench/load/open.ts '<OpenOptions as JSON>'` writes {@link OpenResult} as JSON.
 */
import { type Latency, Samples } from "./latency.ts";
import { ConnectionPool } from "./pool.ts";
import { readRequests, wireOf } from "./requests.ts";

export interface Phase {
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface OpenOptions {
  readonly url: string;
  /** File of {@link readRequests}. */
  readonly requests: string;
  readonly phases: readonly Phase[];
  /** Connections at most: beyond them a request waits here, and its time runs. */
  readonly connections: number;
  /** A 2xx after it is late; a request that has waited here for so long is not sent any more. */
  readonly deadline_ms: number;
  /** What the Idempotency-Keys of this run begin with. */
  readonly key: string;
}

export interface Counts {
  readonly planned: number;
  /** 2xx within the deadline. */
  readonly good: number;
  /** 2xx after it. */
  readonly late: number;
  /** 503, and how many of them without Retry-After. */
  readonly refused: number;
  readonly without_retry_after: number;
  /** Other answers, and none at all. */
  readonly failed: number;
  /** Given up before a connection was free. */
  readonly unsent: number;
  /** Of the 2xx, from the intended moment. */
  readonly latency_ms: Latency;
  readonly refusal_ms: Latency;
}

export interface OpenResult {
  readonly phases: readonly Counts[];
  /** One for each {@link SLOT_MS}, by the intended moment. */
  readonly slots: readonly Slot[];
}

export interface Slot {
  readonly at_s: number;
  readonly good: number;
  readonly refused: number;
  readonly p99_ms: number;
}

/** How finely a result is told over time. */
export const SLOT_MS = 250;
/** How often it is looked for requests that are due: the shortest timer that there is. */
const TICK_MS = 1;
/** All is planned before it begins. */
const FIRST_AFTER_MS = 50;
/** What is not answered by then never will be. */
const LAST_ANSWER_MS = 10_000;

class Tally {
  planned = 0;
  good = 0;
  late = 0;
  refused = 0;
  without_retry_after = 0;
  failed = 0;
  unsent = 0;
  readonly latency = new Samples();
  readonly refusal = new Samples();

  answered(status: number, head: string, took_ms: number, deadline_ms: number): void {
    if (status >= 200 && status < 300) {
      this.latency.add(took_ms);
      if (took_ms <= deadline_ms) this.good += 1;
      else this.late += 1;
    } else if (status === 503) {
      this.refusal.add(took_ms);
      this.refused += 1;
      if (!/\nretry-after:/i.test(head)) this.without_retry_after += 1;
    } else this.failed += 1;
  }

  counts(): Counts {
    const { latency, refusal, ...counts } = this;
    return { ...counts, latency_ms: latency.latency(), refusal_ms: refusal.latency() };
  }
}

interface Due {
  readonly index: number;
  readonly intended: number;
  readonly tallies: readonly Tally[];
}

/** Runs the phases one after the other and waits for the last answers. */
export async function runOpenLoop(options: OpenOptions): Promise<OpenResult> {
  const { hostname, port, host } = new URL(options.url);
  const wires = readRequests(options.requests).map((request) => wireOf(request, host));
  const waiting: Due[] = [];
  let under_way = 0;
  const pool = new ConnectionPool({ hostname, port: Number(port) }, options.connections, sendWaiting);

  function trySend(due: Due): boolean {
    const wire = wires[due.index % wires.length];
    if (wire === undefined) throw new Error("a load needs requests");
    under_way += 1;
    const sent = pool.send(`${wire.head}${options.key}${due.index}${wire.tail}`, (reply) => {
      under_way -= 1;
      const took_ms = performance.now() - due.intended;
      for (const tally of due.tallies) {
        if (reply === undefined) tally.failed += 1;
        else tally.answered(reply.status, reply.head, took_ms, options.deadline_ms);
      }
    });
    if (!sent) under_way -= 1;
    return sent;
  }

  let first_waiting = 0;
  function sendWaiting(): void {
    for (let due = waiting[first_waiting]; due !== undefined; due = waiting[first_waiting]) {
      if (performance.now() - due.intended > options.deadline_ms) for (const tally of due.tallies) tally.unsent += 1;
      else if (!trySend(due)) return;
      first_waiting += 1;
    }
    waiting.length = 0;
    first_waiting = 0;
  }

  const { phases, slots } = await issue(options.phases, (due) => {
    if (waiting.length > 0 || !trySend(due)) waiting.push(due);
  });
  const end = performance.now() + LAST_ANSWER_MS;
  while ((under_way > 0 || waiting.length > 0) && performance.now() < end) {
    sendWaiting();
    await Bun.sleep(TICK_MS * 10);
  }
  pool.close();
  return { phases: phases.map((tally) => tally.counts()), slots: slots.map(tellSlot) };
}

/** Hands out every request at its moment. */
async function issue(
  phases: readonly Phase[],
  start: (due: Due) => void,
): Promise<{ phases: Tally[]; slots: Tally[] }> {
  const tallies = phases.map(() => new Tally());
  const total_ms = phases.reduce((sum, { seconds }) => sum + seconds * 1_000, 0);
  const slots = Array.from({ length: Math.ceil(total_ms / SLOT_MS) }, () => new Tally());
  const first = performance.now() + FIRST_AFTER_MS;
  let phase_start = first;
  let index = 0;
  for (const [number, { rate, seconds }] of phases.entries()) {
    const tally = tallies[number] ?? new Tally();
    const count = Math.round(rate * seconds);
    for (let issued = 0; issued < count; ) {
      const now = performance.now();
      for (; issued < count && phase_start + (issued * 1_000) / rate <= now; issued++, index++) {
        const intended = phase_start + (issued * 1_000) / rate;
        const slot = slots[Math.floor((intended - first) / SLOT_MS)];
        tally.planned += 1;
        start({ index, intended, tallies: slot === undefined ? [tally] : [tally, slot] });
      }
      await Bun.sleep(TICK_MS);
    }
    phase_start += seconds * 1_000;
  }
  return { phases: tallies, slots };
}

function tellSlot(tally: Tally, slot: number): Slot {
  const { good, refused, latency } = tally;
  return { at_s: (slot * SLOT_MS) / 1_000, good, refused, p99_ms: latency.latency().p99 };
}

if (import.meta.main) {
  const options: OpenOptions = JSON.parse(process.argv[2] ?? "{}");
  console.log(JSON.stringify(await runOpenLoop(options)));
  process.exit(0);
}
