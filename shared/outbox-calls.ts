import type { OutboxRow } from "./cloudevents.ts";
import type { Sql } from "./database.ts";
import { DeadlineExceeded, withDeadline } from "./deadline.ts";

/**
 * The relay's calls of the SQL functions in `sql/functions/outbox`, one statement each: no transaction is ever open
 * while the relay does something else, or nothing at all.
 */

/** Above the statement time-out of the server, which is the one that should end a slow call. */
const CALL_DEADLINE_MS = 6_000;
/** Counting more would tell an operator nothing new. */
const MOST_COUNTED = 100_000;

export interface Lease {
  /** `restored_elsewhere`: the state is that of another database server, so nothing may be published by it. */
  readonly standing: "leader" | "follower" | "restored_elsewhere";
  readonly epoch: string;
  /** Whether an operator wants published events again. */
  readonly republishing: boolean;
}

/** A snapshot, and the ids between which all lies that it sees and the last one did not. */
export interface Target {
  readonly target: string;
  readonly after_id: string;
  readonly until_id: string;
}

/** A part of a target's survey; the next part begins at `next_xid`, if there is more. */
export interface Survey extends Target {
  readonly next_xid: string | null;
}

export interface Row extends OutboxRow {
  readonly id: string;
}

export interface Backlog {
  /** Events that wait to be published, counted up to 100,000. */
  readonly events: number;
  /** Age of the oldest of them in milliseconds, 0 if there is none. */
  readonly oldest_age_ms: number;
}

export class OutboxCalls {
  #sql: Sql | undefined;

  constructor(
    readonly connect: () => Sql,
    readonly lease_ms: number,
    /** Rows that one call surveys at most. */
    readonly survey_rows: number,
  ) {}

  async acquire(holder: string): Promise<Lease> {
    const [lease] = await this.#call(
      (sql) => sql<Lease[]>`
        select standing, epoch, republishing from acquire_lease(${holder}, ${this.lease_ms})`,
    );
    if (lease === undefined) throw new Error("acquire_lease gave no row");
    return lease;
  }

  async release(epoch: string): Promise<void> {
    await this.#call((sql) => sql`select release_lease(${epoch})`);
  }

  /** The first part of a new survey, or the one behind `previous`; undefined where there is nothing (more). */
  async survey(epoch: string, previous?: Survey): Promise<Survey | undefined> {
    const [part] = await this.#call(
      (sql) => sql<Survey[]>`
        select target, after_id, until_id, next_xid
          from survey_outbox(${epoch}, ${previous?.target ?? null}, ${previous?.next_xid ?? null}, ${this.survey_rows})`,
    );
    return part;
  }

  read(epoch: string, target: Target, after_id: string, limit: number): Promise<Row[]> {
    return this.#call(
      (sql) => sql<Row[]>`
        select id, event_id, aggregate_id, type, payload, traceparent
          from read_outbox(${epoch}, ${target.target}, ${after_id}, ${target.until_id}, ${limit})`,
    );
  }

  readRepublished(epoch: string, limit: number): Promise<Row[]> {
    return this.#call(
      (sql) => sql<Row[]>`
        select id, event_id, aggregate_id, type, payload, traceparent from read_republished(${epoch}, ${limit})`,
    );
  }

  /** False: the lease is another process's, and nothing has moved. Otherwise it is prolonged. */
  async advance(epoch: string, target: Target, sent_id: string, complete: boolean): Promise<boolean> {
    const [row] = await this.#call(
      (sql) => sql<{ moved: boolean }[]>`
        select advance_outbox(
          ${epoch}, ${this.lease_ms}, ${target.target}, ${sent_id}, ${target.until_id}, ${complete}) as moved`,
    );
    return row?.moved === true;
  }

  /** As {@link advance}, for events that are sent once more. */
  async advanceRepublished(epoch: string, sent_id: string | null, complete: boolean): Promise<boolean> {
    const [row] = await this.#call(
      (sql) => sql<{ moved: boolean }[]>`
        select advance_republished(${epoch}, ${this.lease_ms}, ${sent_id}, ${complete}) as moved`,
    );
    return row?.moved === true;
  }

  async backlog(): Promise<Backlog> {
    const [row] = await this.#call(
      (sql) => sql<{ events: string; oldest_age_ms: number }[]>`
        select events, coalesce(extract(epoch from clock_timestamp() - oldest_at) * 1000, 0)::float8 as oldest_age_ms
          from measure_outbox(${MOST_COUNTED})`,
    );
    return { events: Number(row?.events ?? 0), oldest_age_ms: row?.oldest_age_ms ?? 0 };
  }

  async close(): Promise<void> {
    await this.#sql?.end({ timeout: 1 });
  }

  /** A call that does not come back costs the pool it was made on: its connection may be dead without a word. */
  async #call<T>(ask: (sql: Sql) => Promise<T>): Promise<T> {
    this.#sql ??= this.connect();
    const sql = this.#sql;
    try {
      return await withDeadline(ask(sql), CALL_DEADLINE_MS, "a call of the relay");
    } catch (error) {
      if (error instanceof DeadlineExceeded && this.#sql === sql) {
        this.#sql = undefined;
        void sql.end({ timeout: 0 });
      }
      throw error;
    }
  }
}

/** A target with the part of a survey in it. */
export function widened(found: Target, part: Survey): Target {
  return {
    target: found.target,
    after_id: BigInt(part.after_id) < BigInt(found.after_id) ? part.after_id : found.after_id,
    until_id: BigInt(part.until_id) > BigInt(found.until_id) ? part.until_id : found.until_id,
  };
}
