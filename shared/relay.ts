import type { Logger } from "pino";
import { type OutboxRow, type Source, toMessage } from "./cloudevents.ts";
import type { Sql } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { createFaultLog } from "./fault-log.ts";
import type { Producer } from "./kafka.ts";
import { type Loop, run } from "./loop.ts";

/**
 * The relay: publishes the outbox to a topic. One in each process, of which one at a time holds the lease and works.
 *
 * What it has to keep is one invariant: at every moment, what is published of a wallet are its versions 1 … k without a
 * hole. It holds because a batch always begins where the acknowledged ones end, has each wallet's events in order, and
 * is appended to a partition whole or not at all. So a batch that arrives late (a process that slept in mid-send and
 * lost the lease meanwhile, an answer that was lost) can only repeat; it can never overtake. All else, the lease, its
 * epoch and the deadlines, keeps the repetitions rare and moves the state only while it is one's own.
 */
export interface RelayOptions {
  /** Opens a pool for the relay alone; it is thrown away when a call does not come back. */
  readonly connect: () => Sql;
  readonly connectProducer: (deadline_ms: number) => Promise<Producer>;
  readonly topic: string;
  readonly source: Source;
  /** A name that no other process has, such as a new UUID. */
  readonly holder: string;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export interface RelayStatus {
  /** `restored_elsewhere`: the relay has stopped, because its state is that of another database server. */
  readonly standing: "starting" | "leader" | "follower" | "restored_elsewhere";
  readonly epoch: string | null;
  /** Events that this process has published, repetitions included. */
  readonly published: number;
  readonly last_error: string | null;
}

export interface Backlog {
  /** Events that wait to be published, counted up to MOST_COUNTED. */
  readonly events: number;
  /** Age of the oldest of them in milliseconds, 0 if there is none. */
  readonly oldest_age_ms: number;
}

export interface Relay {
  /** Something was committed to the outbox. */
  wake(): void;
  stop(deadline_ms: number): Promise<void>;
  status(): RelayStatus;
  /** Asks the database. */
  backlog(): Promise<Backlog>;
}

/** How long a leader that says nothing is waited for; with FOLLOW_MS, a takeover takes less than 5 s. */
const LEASE_MS = 3_000;
/** The lease is prolonged when less than this is left, so that a send always has the time to end. */
const RENEW_BELOW_MS = 2_000;
/** A send must be over this long before the lease is. */
const LEASE_MARGIN_MS = 400;
/** How often a process without the lease looks whether it is free. */
const FOLLOW_MS = 250;
/** How often the leader looks by itself: a commit of another process wakes nobody here. */
const POLL_MS = 25;
/** A stopped relay looks this often whether an operator has acted. */
const STOPPED_MS = 5_000;
/** Connecting, metadata included. */
const CONNECT_DEADLINE_MS = 2_000;
/** Above the statement time-out of the server, which is the one that should end a slow call. */
const CALL_DEADLINE_MS = 6_000;
/** A run publishes until nothing is left; a failure within it has a deadline of its own. */
const RUN_DEADLINE_MS = 24 * 60 * 60 * 1_000;

/** Events in a page: at 25,000 a second, some 25 round trips a second. */
const PAGE_EVENTS = 1_000;
/** Bytes in one send: all may be of one partition, whose batch must stay below the broker's usual 1 MiB. */
const SEND_BYTES = 800_000;
/** What headers and framing add to an event. */
const OVERHEAD_BYTES = 450;
/** Rows that one call surveys: 20 ms, or 150 ms if they are cold. */
const SURVEY_ROWS = 50_000;
/** Counting more would tell an operator nothing new. */
const MOST_COUNTED = 100_000;

interface Row extends OutboxRow {
  readonly id: string;
}
interface Target {
  readonly target: string;
  readonly after_id: string;
  readonly until_id: string;
}

/** Another process holds the lease by now. */
class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** Starts the relay of this process. It needs neither the database nor the broker to be there yet. */
export function startRelay(options: RelayOptions): Relay {
  const publisher = new Publisher(options);
  const loop: Loop = run((signal) => publisher.runOnce(signal), {
    deadline_ms: RUN_DEADLINE_MS,
    onError: createFaultLog(options.log, "the outbox cannot be published now"),
  });
  return {
    wake: () => loop.wake(),
    async stop(deadline_ms) {
      await loop.stop(deadline_ms);
      await publisher.close();
    },
    status: () => publisher.status(),
    backlog: () => publisher.backlog(),
  };
}

/** What {@link startRelay} runs. Exported for tests of a single run. */
export class Publisher {
  #sql: Sql | undefined;
  #producer: Producer | undefined;
  #standing: RelayStatus["standing"] = "starting";
  #epoch: string | undefined;
  #republishing = false;
  /** On this process's clock, and never later than on the database's. */
  #lease_until = 0;
  #next_attempt = 0;
  #published = 0;
  #last_error: string | null = null;
  readonly #now: () => number;

  constructor(readonly options: RelayOptions) {
    this.#now = options.now ?? (() => performance.now());
  }

  status(): RelayStatus {
    return {
      standing: this.#standing,
      epoch: this.#epoch ?? null,
      published: this.#published,
      last_error: this.#last_error,
    };
  }

  async backlog(): Promise<Backlog> {
    const [row] = await this.#call(
      (sql) => sql<{ events: string; oldest_age_ms: number }[]>`
        select events, coalesce(extract(epoch from clock_timestamp() - oldest_at) * 1000, 0)::float8 as oldest_age_ms
          from measure_outbox(${MOST_COUNTED})`,
    );
    return { events: Number(row?.events ?? 0), oldest_age_ms: row?.oldest_age_ms ?? 0 };
  }

  /** Publishes what there is, if the lease is free or ours. Gives the pause until the next run in milliseconds. */
  async runOnce(signal: AbortSignal): Promise<number> {
    try {
      // A process without the lease is woken by each of its commits, and need not ask each time.
      const early_ms = this.#next_attempt - this.#now();
      if (early_ms > 0) return early_ms;
      const epoch = await this.#holdLease();
      if (epoch === undefined) return this.#stepBack();
      const published = await this.#publishNew(epoch, signal);
      const repeated = this.#republishing && !signal.aborted && (await this.#publishAgain(epoch));
      this.#last_error = null;
      return published || repeated ? 0 : POLL_MS;
    } catch (error) {
      if (error instanceof LeaseLost) {
        this.#announce("follower");
        return this.#stepBack();
      }
      this.#last_error = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** Gives up the lease, so that another process goes on at once, and all connections. */
  async close(): Promise<void> {
    const epoch = this.#epoch;
    if (epoch !== undefined) await this.#call((sql) => sql`select release_lease(${epoch})`).catch(() => undefined);
    await this.#producer?.close();
    await this.#sql?.end({ timeout: 1 });
  }

  #stepBack(): number {
    const pause_ms = this.#standing === "restored_elsewhere" ? STOPPED_MS : FOLLOW_MS;
    this.#epoch = undefined;
    this.#next_attempt = this.#now() + pause_ms;
    void this.#producer?.close();
    this.#producer = undefined;
    return pause_ms;
  }

  /** The epoch of a lease with enough time left for a send, or undefined where another process holds it. */
  async #holdLease(): Promise<string | undefined> {
    if (this.#epoch !== undefined && this.#lease_until - this.#now() >= RENEW_BELOW_MS) return this.#epoch;
    const asked_at = this.#now();
    const [lease] = await this.#call(
      (sql) => sql<{ standing: "leader" | "follower" | "restored_elsewhere"; epoch: string; republishing: boolean }[]>`
        select standing, epoch, republishing from acquire_lease(${this.options.holder}, ${LEASE_MS})`,
    );
    if (lease === undefined) throw new Error("acquire_lease gave no row");
    this.#announce(lease.standing);
    if (lease.standing !== "leader") return undefined;
    this.#epoch = lease.epoch;
    this.#republishing = lease.republishing;
    this.#lease_until = asked_at + LEASE_MS;
    return lease.epoch;
  }

  #announce(standing: RelayStatus["standing"]): void {
    if (standing === this.#standing) return;
    this.#standing = standing;
    const { log, topic } = this.options;
    if (standing === "restored_elsewhere") {
      log.error(
        { topic },
        "the outbox is not published: this database was restored from another server, whose record of what is published means nothing here. Run `bun run republish --from <time>`: everything that is left in the outbox is then published again",
      );
    } else log.info({ topic, standing }, "the relay's standing has changed");
  }

  /** One target: everything that is visible now and was not when the last target was taken, page by page. */
  async #publishNew(epoch: string, signal: AbortSignal): Promise<boolean> {
    const target = await this.#survey(epoch);
    if (target === undefined) return false;
    let page = await this.#read(epoch, target, target.after_id);
    while (!signal.aborted) {
      const last = page.at(-1);
      const complete = page.length < PAGE_EVENTS;
      // The next page is read while this one is on its way; sent it is only when this one is acknowledged.
      const next = last === undefined || complete ? undefined : this.#read(epoch, target, last.id);
      next?.catch(() => undefined);
      await this.#send(epoch, page);
      await this.#advance(
        (sql) => sql<{ moved: boolean }[]>`
          select advance_outbox(${epoch}, ${LEASE_MS}, ${target.target}, ${last?.id ?? target.until_id},
                                ${target.until_id}, ${complete}) as moved`,
      );
      if (next === undefined) break;
      page = await next;
    }
    return true;
  }

  /** A page of what an operator wants sent again; between two of them comes what is new. */
  async #publishAgain(epoch: string): Promise<boolean> {
    const page = await this.#call(
      (sql) => sql<Row[]>`
        select id, event_id, aggregate_id, type, payload, traceparent
          from read_republished(${epoch}, ${PAGE_EVENTS})`,
    );
    await this.#send(epoch, page);
    const complete = page.length < PAGE_EVENTS;
    await this.#advance(
      (sql) => sql<{ moved: boolean }[]>`
        select advance_republished(${epoch}, ${LEASE_MS}, ${page.at(-1)?.id ?? null}, ${complete}) as moved`,
    );
    this.#republishing = !complete;
    return true;
  }

  async #survey(epoch: string): Promise<Target | undefined> {
    let found: Target | undefined;
    let from: { target: string; next_xid: string } | undefined;
    for (;;) {
      const [part] = await this.#call(
        (sql) => sql<(Target & { next_xid: string | null })[]>`
          select target, after_id, until_id, next_xid
            from survey_outbox(${epoch}, ${from?.target ?? null}, ${from?.next_xid ?? null}, ${SURVEY_ROWS})`,
      );
      if (part === undefined) return found;
      found = found === undefined ? part : widened(found, part);
      if (part.next_xid === null) return found;
      from = { target: part.target, next_xid: part.next_xid };
      if ((await this.#holdLease()) !== epoch) throw new LeaseLost();
    }
  }

  #read(epoch: string, target: Target, after_id: string): Promise<Row[]> {
    return this.#call(
      (sql) => sql<Row[]>`
        select id, event_id, aggregate_id, type, payload, traceparent
          from read_outbox(${epoch}, ${target.target}, ${after_id}, ${target.until_id}, ${PAGE_EVENTS})`,
    );
  }

  async #send(epoch: string, rows: readonly Row[]): Promise<void> {
    for (const part of inSends(rows)) {
      const producer = await this.#connectedProducer();
      if ((await this.#holdLease()) !== epoch) throw new LeaseLost();
      const messages = part.map((row) => toMessage(row, this.options.source));
      const deadline_ms = this.#lease_until - this.#now() - LEASE_MARGIN_MS;
      await producer.send(this.options.topic, messages, deadline_ms);
      this.#published += part.length;
    }
  }

  async #connectedProducer(): Promise<Producer> {
    if (this.#producer?.usable !== true) {
      void this.#producer?.close();
      this.#producer = undefined;
      this.#producer = await this.options.connectProducer(CONNECT_DEADLINE_MS);
    }
    return this.#producer;
  }

  async #advance(move: (sql: Sql) => Promise<{ moved: boolean }[]>): Promise<void> {
    const asked_at = this.#now();
    const [row] = await this.#call(move);
    if (row?.moved !== true) throw new LeaseLost();
    this.#lease_until = asked_at + LEASE_MS;
  }

  /** A call that does not come back costs the pool it was made on: its connection may be dead without a word. */
  async #call<T>(ask: (sql: Sql) => Promise<T>): Promise<T> {
    this.#sql ??= this.options.connect();
    const sql = this.#sql;
    try {
      return await withDeadline(ask(sql), CALL_DEADLINE_MS, "a call of the relay");
    } catch (error) {
      if (error instanceof Error && error.name === "DeadlineExceeded" && this.#sql === sql) {
        this.#sql = undefined;
        void sql.end({ timeout: 0 });
      }
      throw error;
    }
  }
}

function widened(found: Target, part: Target): Target {
  return {
    target: found.target,
    after_id: BigInt(part.after_id) < BigInt(found.after_id) ? part.after_id : found.after_id,
    until_id: BigInt(part.until_id) > BigInt(found.until_id) ? part.until_id : found.until_id,
  };
}

function* inSends(rows: readonly Row[]): Generator<readonly Row[]> {
  let from = 0;
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const size = Buffer.byteLength(row.payload) + OVERHEAD_BYTES;
    if (bytes + size > SEND_BYTES && index > from) {
      yield rows.slice(from, index);
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < rows.length) yield rows.slice(from);
}
