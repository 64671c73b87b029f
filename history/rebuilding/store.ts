import { applyHalving } from "../../shared/batch.ts";
import { parseLedgerEvent } from "../../shared/cloudevents.ts";
import type { ReceivedMessage } from "../../shared/consumer.ts";
import type { Sql } from "../../shared/database.ts";
import type { DeadLetter } from "../../shared/dead-letters.ts";
import type { LedgerEvent } from "../../shared/events.ts";
import { type Exception, type Readable, readAll, reasonOf, refusalOf } from "../project.ts";

/**
 * Fills the tables of a rebuild, by the functions that fill the live ones, with three differences: decisions are told by
 * the topic, nothing is said to anyone, and what cannot be applied yet is withheld.
 *
 * Withheld is a saga whose decision has not been told, and what takes money that has not come in because its partition is
 * behind. To the ledger the event is missing: later ones of its wallet wait behind the gap, and it is tried again.
 */
export interface Store {
  takeDecisions(messages: readonly ReceivedMessage[]): Promise<void>;
  /** Events of all partitions, in the order in which they were sent. */
  takeEvents(messages: readonly ReceivedMessage[]): Promise<void>;
  /** Tries again what is withheld, as long as some of it can be applied. */
  retryWithheld(): Promise<void>;
  /** Takes from the live ledger what it has decided and the topic has not told, or not yet: nothing is decided twice. */
  takeOverDecisions(): Promise<void>;
  readonly withheld: readonly Readable[];
  readonly figures: Readonly<Figures>;
}

export interface Figures {
  events: number;
  decisions: number;
  duplicates: number;
  dead_letters: number;
  /** Decisions that the topic had not told yet. */
  taken_over: number;
}

/** 23R01: raised by the rebuild's outbox on a decision that would be made. 23514: a balance would be negative. */
const NOT_YET = /^(23R01|23514)$/;

export function createStore(sql: Sql): Store {
  let withheld: Readable[] = [];
  const figures: Figures = { events: 0, decisions: 0, duplicates: 0, dead_letters: 0, taken_over: 0 };

  const setAside = async (letters: readonly DeadLetter[]): Promise<void> => {
    if (letters.length === 0) return;
    const rows = letters.map(({ message: { topic, partition, offset }, reason }) => ({
      topic,
      partition,
      offset,
      reason,
    }));
    await sql`select set_aside(${JSON.stringify(rows)}::text)`;
    figures.dead_letters += letters.length;
  };

  const record = async (window: readonly Readable[]): Promise<void> => {
    const parts = [...Map.groupBy(window, ({ message }) => message.partition)];
    const partitions = parts.map(([partition]) => partition);
    const texts = parts.map(([, events]) => `[${events.map(({ text }) => text).join()}]`);
    const exceptions = await sql<(Exception & { partition: number })[]>`
      select partition, ordinal, outcome from record_window(${partitions}::int[], ${texts}::text[])`;
    const byPartition = new Map(parts);
    const letters = exceptions.flatMap((exception) => {
      const found = byPartition.get(exception.partition)?.[exception.ordinal - 1];
      const reason = refusalOf(exception);
      return found === undefined || reason === undefined ? [] : [{ message: found.message, reason }];
    });
    figures.duplicates += exceptions.length - letters.length;
    await setAside(letters);
  };

  const apply = async (events: readonly Readable[]): Promise<void> => {
    await applyHalving(events, {
      ...UNHURRIED,
      apply: record,
      isolate: async (event, error) => {
        if (NOT_YET.test(sqlstateOf(error))) withheld.push(event);
        else await setAside([{ message: event.message, reason: reasonOf(error) }]);
      },
    });
  };

  const retryWithheld = async (): Promise<void> => {
    for (;;) {
      const before = withheld;
      withheld = [];
      await apply(before);
      if (withheld.length === 0 || withheld.length === before.length) return;
    }
  };

  return {
    async takeDecisions(messages) {
      const { told, unreadable } = readDecisions(messages);
      const contradictions = await sql<{ ordinal: number }[]>`
        select ordinal from tell_decisions(${JSON.stringify(told.map(({ row }) => row))}::text)`;
      figures.decisions += told.length;
      const reason = "the topic tells another decision on this saga before this one";
      const contradicting = contradictions.flatMap(({ ordinal }) => told[ordinal - 1] ?? []);
      await setAside([...unreadable, ...contradicting.map(({ message }) => ({ message, reason }))]);
    },
    async takeEvents(messages) {
      const { readable, unreadable } = readAll(messages);
      await apply(readable);
      await setAside(unreadable);
      figures.events += messages.length;
    },
    retryWithheld,
    async takeOverDecisions() {
      const [row] = await sql<{ taken: number }[]>`select take_over_decisions() as taken`;
      figures.taken_over += row?.taken ?? 0;
      await retryWithheld();
    },
    get withheld() {
      return withheld;
    },
    figures,
  };
}

/** The one who runs the command ends it. */
const UNHURRIED = { keepAlive: () => Promise.resolve(), signal: new AbortController().signal };

interface Told {
  readonly message: ReceivedMessage;
  readonly row: Readonly<Record<string, string | null>>;
}

function readDecisions(messages: readonly ReceivedMessage[]): { told: Told[]; unreadable: DeadLetter[] } {
  const told: Told[] = [];
  const unreadable: DeadLetter[] = [];
  for (const message of messages) {
    const parsed = parseLedgerEvent(message);
    if (parsed.ok) told.push({ message, row: decisionOf(parsed.event, parsed.text) });
    else unreadable.push({ message, reason: parsed.reason });
  }
  return { told, unreadable };
}

function decisionOf(event: LedgerEvent, payload: string): Told["row"] {
  const outcome = event.type === "LEDGER_SUCCESS" ? "SUCCESS" : "FAILED";
  const { transaction_id, reason, id: event_id, occurred_at: created_at } = event;
  return { transaction_id, outcome, reason, event_id, payload, created_at };
}

function sqlstateOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
