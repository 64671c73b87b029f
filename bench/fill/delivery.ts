import { recordEvents } from "../../history/project.ts";
import type { Sql } from "../../shared/database.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { OutboxCalls } from "../../shared/outbox-calls.ts";
import { partitionOf } from "../../shared/partitioner.ts";

/** What relays, broker and consumer do, in one process and without the broker: the outbox becomes history. */
export interface Delivery {
  /** Events that were written since the last call, in their order. */
  take(): Promise<Event[]>;
  /** Records them, and gives what the ledger has decided meanwhile. */
  deliver(events: readonly Event[]): Promise<Decision[]>;
  /** Everything in the two outboxes counts as published. */
  finish(): Promise<void>;
}

export interface Event {
  readonly id: string;
  readonly wallet_id: string;
  readonly text: string;
}

/** The ledger's answer on a saga. */
export interface Decision {
  readonly saga: string;
  readonly type: string;
  readonly reason: string | null;
}

/** As many as the topics that `create-topic` makes. */
const PARTITIONS = 6;
/** Events of one call. */
const CALL_EVENTS = 1_000;
/** A lease that is longer than a minute counts as one of a clock that was set back. */
const LEASE_MS = 59_000;

/** Takes the place of both relays. @throws if a server has it, or if events wait that it would pass over */
export async function createDelivery(wallet: Sql, history: Sql): Promise<Delivery> {
  const holder = uuidv7();
  const outboxes = await Promise.all([wallet, history].map((sql) => takeOver(sql, holder)));
  const calls = { wallet: await lastId(wallet), history: await lastId(history) };
  return {
    async take() {
      for (const { outbox } of outboxes) await outbox.acquire(holder);
      const rows = await wallet<Event[]>`
        select id, aggregate_id as wallet_id, payload::text as text from outbox where id > ${calls.wallet} order by id`;
      calls.wallet = rows.at(-1)?.id ?? calls.wallet;
      return rows;
    },
    async deliver(events) {
      const lanes = Map.groupBy(events, ({ wallet_id }) => partitionOf(wallet_id, PARTITIONS));
      await Promise.all([...lanes].map(([partition, lane]) => record(history, partition, lane)));
      const rows = await history<(Decision & { id: string })[]>`
        select id, payload ->> 'transaction_id' as saga, type, payload ->> 'reason' as reason
          from outbox where id > ${calls.history} order by id`;
      calls.history = rows.at(-1)?.id ?? calls.history;
      return rows;
    },
    async finish() {
      for (const { outbox, epoch, sql } of outboxes) {
        const [now] = await sql<{ snapshot: string }[]>`select pg_current_snapshot()::text as snapshot`;
        const target = { target: now?.snapshot ?? "", after_id: "0", until_id: "0" };
        if (!(await outbox.advance(epoch, target, "0", true))) throw new Error("a server has taken the lease");
        await outbox.release(epoch);
      }
    },
  };
}

async function takeOver(sql: Sql, holder: string) {
  const outbox = new OutboxCalls(() => sql, LEASE_MS, CALL_EVENTS);
  const { standing, epoch } = await outbox.acquire(holder);
  if (standing !== "leader")
    throw new Error("A server is at work on this database, or was a minute ago: end it, and try again in a minute.");
  const { events } = await outbox.backlog();
  if (events > 0) {
    await outbox.release(epoch);
    throw new Error("Events of this database wait to be published: let its servers do that first.");
  }
  return { outbox, epoch, sql };
}

async function lastId(sql: Sql): Promise<string> {
  const [row] = await sql<{ id: string }[]>`select coalesce(max(id), 0) as id from outbox`;
  return row?.id ?? "0";
}

/** In order: a wallet's events all come by one partition. */
async function record(sql: Sql, partition: number, events: readonly Event[]): Promise<void> {
  for (let from = 0; from < events.length; from += CALL_EVENTS) {
    const texts = events.slice(from, from + CALL_EVENTS).map(({ text }) => text);
    const [exception] = await recordEvents(sql, partition, texts);
    if (exception !== undefined) throw new Error(`an event was not recorded: ${exception.outcome}`);
  }
}
