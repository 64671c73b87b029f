import type { Logger } from "pino";
import type { TransactionSql } from "postgres";
import { Counter } from "prom-client";
import { applyHalving } from "../shared/batch.ts";
import { parseWalletEvent } from "../shared/cloudevents.ts";
import type { BatchContext, ReceivedMessage } from "../shared/consumer.ts";
import type { Sql } from "../shared/database.ts";
import { type DeadLetter, recordDeadLetters } from "../shared/dead-letters.ts";
import { withDeadline } from "../shared/deadline.ts";
import type { WalletEvent } from "../shared/events.ts";
import type { Metrics } from "../shared/http/metrics.ts";
import { parseTraceparent } from "../shared/traceparent.ts";

/**
 * From messages of the topic to the stored history: parse, one call of the SQL function for the batch, and what cannot be
 * applied to the dead letters, so that its partition goes on.
 */
export interface ProjectOptions {
  readonly sql: Sql;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Messages that hold an event were read, and are now to be stored. */
  readonly onRead?: (read: readonly Readable[]) => void;
  /** Something new was stored. */
  readonly onStored: () => void;
  /** The ledger may have decided a saga, or decided one before and says so again. */
  readonly onDecided: () => void;
}

/** What a consumer calls with a batch of one partition. */
export type Project = (messages: readonly ReceivedMessage[], batch: BatchContext) => Promise<void>;

/** A message whose event is well-formed, and its value as it was sent. */
export interface Readable {
  readonly message: ReceivedMessage;
  readonly text: string;
  readonly event: WalletEvent;
}

/** What record_events() answers of an event that was not new. */
export interface Exception {
  readonly ordinal: number;
  readonly outcome: "duplicate" | "conflicting_version" | "conflicting_event";
}

/** The server ends a statement after 5 s: an answer that takes longer never comes, and the call can be repeated. */
const CALL_DEADLINE_MS = 6_000;

const REASONS = {
  conflicting_version: "conflicting_version: the wallet has another event under this version",
  conflicting_event: "conflicting_event: something else is stored under this event's id",
} as const;

export function createProject({ sql, log, metrics, onRead, onStored, onDecided }: ProjectOptions): Project {
  const counter = new Counter({
    name: "history_messages_total",
    help: "Messages of the topic by what became of them.",
    labelNames: ["outcome"],
    registers: [metrics.registry],
  });

  const bury = async (letters: readonly DeadLetter[]): Promise<void> => {
    if (letters.length === 0) return;
    await recordDeadLetters(sql, letters);
    counter.inc({ outcome: "dead_letter" }, letters.length);
    for (const { message, reason } of letters) {
      const { topic, partition, offset } = message;
      log.error({ topic, partition, offset, reason }, "a message cannot be applied: it is kept as a dead letter");
    }
  };

  const store = async (batch: readonly Readable[]): Promise<void> => {
    const [first] = batch;
    if (first === undefined) return;
    const texts = batch.map(({ text }) => text);
    const exceptions = await recordEvents(sql, first.message.partition, texts, traceparentsOf(batch));
    const duplicates = exceptions.filter(({ outcome }) => outcome === "duplicate").length;
    counter.inc({ outcome: "duplicate" }, duplicates);
    counter.inc({ outcome: "stored" }, batch.length - exceptions.length);
    if (exceptions.length < batch.length) onStored();
    if (batch.some(({ event }) => event.posting === "SAGA")) onDecided();
    await bury(conflictsOf(batch, exceptions));
  };

  return async (messages, batch) => {
    const { readable, unreadable } = readAll(messages);
    onRead?.(readable);
    const waiting = {
      keepAlive: () => batch.keepAlive(),
      signal: batch.signal,
      onWait: (error: unknown, pause_ms: number) => log.warn({ err: error, pause_ms }, "waiting for the database"),
    };
    await applyHalving(readable, {
      ...waiting,
      apply: store,
      isolate: ({ message }, error) => bury([{ message, reason: reasonOf(error) }]),
    });
    // Their order among the others does not matter: they are applied to nothing.
    await applyHalving(unreadable, { ...waiting, apply: bury, isolate: (letter) => bury([letter]) });
  };
}

/** The messages that hold an event, and the others with the reason why not. */
export function readAll(messages: readonly ReceivedMessage[]): { readable: Readable[]; unreadable: DeadLetter[] } {
  const readable: Readable[] = [];
  const unreadable: DeadLetter[] = [];
  for (const message of messages) {
    const parsed = parseWalletEvent(message);
    if (parsed.ok) readable.push({ message, text: parsed.text, event: parsed.event });
    else unreadable.push({ message, reason: parsed.reason });
  }
  return { readable, unreadable };
}

/**
 * The values go as they came, joined to an array: nothing is parsed and written again on the way to `event_data`.
 * @param traceparents of the reservations among them, by the saga's id
 */
export async function recordEvents(
  sql: Sql | TransactionSql,
  partition: number,
  texts: readonly string[],
  traceparents: Readonly<Record<string, string>> = {},
): Promise<Exception[]> {
  const events = `[${texts.join()}]`;
  const call =
    Object.keys(traceparents).length === 0
      ? sql<Exception[]>`select ordinal, outcome from record_events(${partition}::int, ${events}::text)`
      : sql<Exception[]>`
          select ordinal, outcome
            from record_traced_events(${partition}::int, ${events}::text, ${JSON.stringify(traceparents)}::text)`;
  return withDeadline(call, CALL_DEADLINE_MS, "recording events");
}

/** The trace contexts that a decision of the ledger goes on under. */
function traceparentsOf(batch: readonly Readable[]): Record<string, string> {
  return Object.fromEntries(
    batch.flatMap(({ event: { posting, transaction_id }, message }) => {
      const traceparent = posting === "SAGA" ? parseTraceparent(message.headers.traceparent) : undefined;
      return transaction_id === null || traceparent === undefined ? [] : [[transaction_id, traceparent]];
    }),
  );
}

/** Why the event cannot be applied, or undefined where it is. */
export function refusalOf({ outcome }: Exception): string | undefined {
  return outcome === "duplicate" ? undefined : REASONS[outcome];
}

function conflictsOf(batch: readonly Readable[], exceptions: readonly Exception[]): DeadLetter[] {
  return exceptions.flatMap((exception) => {
    const [found, reason] = [batch[exception.ordinal - 1], refusalOf(exception)];
    return found === undefined || reason === undefined ? [] : [{ message: found.message, reason }];
  });
}

/** What the database said, with its SQLSTATE; it may quote the message, which the dead letter holds anyway. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? `${String(error.code)}: ${error.message}` : error.message;
}

/** Holds batches back until the database is admitted; meanwhile the member stays in its group. */
export function whenAdmitted(admitted: () => boolean, project: Project): Project {
  return async (messages, batch) => {
    while (!admitted()) {
      batch.signal.throwIfAborted();
      await batch.keepAlive();
      await Bun.sleep(ADMISSION_LOOK_MS);
    }
    await project(messages, batch);
  };
}

/** Between looks at whether the database is admitted, which happens once in the life of a process. */
const ADMISSION_LOOK_MS = 100;
