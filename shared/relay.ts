import type { Logger } from "pino";
import { type Source, toMessage } from "./cloudevents.ts";
import type { Sql } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { createFaultLog } from "./fault-log.ts";
import type { Producer } from "./kafka.ts";
import { type Loop, run } from "./loop.ts";
import { type Backlog, type Lease, OutboxCalls, type Row, type Target, widened } from "./outbox-calls.ts";
import { inSends } from "./sends.ts";

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
  /** Rows that one call surveys, if not SURVEY_ROWS. */
  readonly survey_rows?: number;
}

export interface RelayStatus {
  /** `restored_elsewhere`: the relay has stopped until an operator says from where to publish. */
  readonly standing: "starting" | Lease["standing"];
  readonly epoch: string | null;
  /** Events that this process has published, repetitions included. */
  readonly published: number;
  readonly last_error: string | null;
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
/** How often the leader looks by itself: a commit of another process wakes nobody here. A look costs 0.2 ms. */
const POLL_MS = 25;
/** A stopped relay looks this often whether an operator has acted. */
const STOPPED_MS = 5_000;
/** Connecting, metadata included. */
const CONNECT_DEADLINE_MS = 2_000;
/** At a stop; a lease that cannot be given back in that time ends by itself soon after. */
const RELEASE_DEADLINE_MS = 1_000;
/** A run publishes until nothing is left; what it calls has deadlines of its own. */
const RUN_DEADLINE_MS = 24 * 60 * 60 * 1_000;

/** Of a backlog of millions, each call takes some 20 ms, or 150 ms while the rows are cold. */
const SURVEY_ROWS = 50_000;
/** Events in a page: at 25,000 a second, some 25 round trips a second. */
const PAGE_EVENTS = 1_000;

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
  readonly #outbox: OutboxCalls;
  readonly #now: () => number;
  #producer: Producer | undefined;
  #standing: RelayStatus["standing"] = "starting";
  #epoch: string | undefined;
  #republishing = false;
  /** On this process's clock, and never later than on the database's. */
  #lease_until = 0;
  #next_attempt = 0;
  /** What the survey of this epoch has found while nothing of it is acknowledged: from then on the database knows it. */
  #surveyed: { readonly epoch: string; readonly target: Target } | undefined;
  #published = 0;
  #last_error: string | null = null;

  constructor(readonly options: RelayOptions) {
    this.#outbox = new OutboxCalls(options.connect, LEASE_MS, options.survey_rows ?? SURVEY_ROWS);
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

  backlog(): Promise<Backlog> {
    return this.#outbox.backlog();
  }

  /** Publishes what there is, if the lease is free or ours. Gives the pause until the next run in milliseconds. */
  async runOnce(signal: AbortSignal): Promise<number> {
    try {
      // A process without the lease is woken by each of its commits, and need not ask each time.
      const early_ms = this.#next_attempt - this.#now();
      if (early_ms > 0) return early_ms;
      const epoch = await this.#holdLease();
      if (epoch === undefined) {
        // Another process publishes: what has kept this one from it before is over.
        this.#last_error = null;
        return this.#stepBack();
      }
      // Before anything is asked of the database: while a broker is down, millions of rows may wait.
      await this.#connectedProducer();
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
    if (epoch !== undefined)
      await withDeadline(this.#outbox.release(epoch), RELEASE_DEADLINE_MS, "giving the lease back").catch(
        () => undefined,
      );
    await this.#producer?.close();
    await this.#outbox.close();
  }

  #stepBack(): number {
    const pause_ms = this.#standing === "restored_elsewhere" ? STOPPED_MS : FOLLOW_MS;
    this.#epoch = undefined;
    this.#next_attempt = this.#now() + pause_ms;
    this.#dropProducer();
    return pause_ms;
  }

  /** The epoch of a lease with enough time left for a send, or undefined where another process holds it. */
  async #holdLease(): Promise<string | undefined> {
    if (this.#epoch !== undefined && this.#lease_until - this.#now() >= RENEW_BELOW_MS) return this.#epoch;
    const asked_at = this.#now();
    const lease = await this.#outbox.acquire(this.options.holder);
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
    const target = await this.#nextTarget(epoch);
    if (target === undefined) return false;
    let page = await this.#outbox.read(epoch, target, target.after_id, PAGE_EVENTS);
    while (!signal.aborted) {
      const last_id = page.at(-1)?.id ?? target.until_id;
      const complete = page.length < PAGE_EVENTS;
      // The next page is read while this one is on its way; sent it is only when this one is acknowledged.
      const next = complete ? undefined : this.#outbox.read(epoch, target, last_id, PAGE_EVENTS);
      next?.catch(() => undefined);
      await this.#send(epoch, page);
      this.#surveyed = undefined;
      await this.#moved(() => this.#outbox.advance(epoch, target, last_id, complete));
      if (next === undefined) break;
      page = await next;
    }
    return true;
  }

  /** Surveyed once, however often sending fails. */
  async #nextTarget(epoch: string): Promise<Target | undefined> {
    if (this.#surveyed?.epoch === epoch) return this.#surveyed.target;
    const target = await this.#survey(epoch);
    this.#surveyed = target && { epoch, target };
    return target;
  }

  async #survey(epoch: string): Promise<Target | undefined> {
    let part = await this.#outbox.survey(epoch);
    let found: Target | undefined = part;
    while (part !== undefined && part.next_xid !== null) {
      // A survey of millions of rows may take longer than the lease.
      if ((await this.#holdLease()) !== epoch) throw new LeaseLost();
      part = await this.#outbox.survey(epoch, part);
      if (part !== undefined && found !== undefined) found = widened(found, part);
    }
    return found;
  }

  /** A page of what an operator wants sent again; between two of them comes what is new. */
  async #publishAgain(epoch: string): Promise<boolean> {
    const page = await this.#outbox.readRepublished(epoch, PAGE_EVENTS);
    await this.#send(epoch, page);
    const complete = page.length < PAGE_EVENTS;
    await this.#moved(() => this.#outbox.advanceRepublished(epoch, page.at(-1)?.id ?? null, complete));
    this.#republishing = !complete;
    return true;
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
      this.#dropProducer();
      this.#producer = await this.options.connectProducer(CONNECT_DEADLINE_MS);
    }
    return this.#producer;
  }

  #dropProducer(): void {
    void this.#producer?.close();
    this.#producer = undefined;
  }

  async #moved(move: () => Promise<boolean>): Promise<void> {
    const asked_at = this.#now();
    if (!(await move())) throw new LeaseLost();
    this.#lease_until = asked_at + LEASE_MS;
  }
}
