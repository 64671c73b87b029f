import type { Logger } from "pino";
import { faultOf } from "../shared/batch.ts";
import { parseWalletEvent } from "../shared/cloudevents.ts";
import type { Sql } from "../shared/database.ts";
import { read } from "../shared/read.ts";
import { recordEvents, refusalOf } from "./project.ts";
import type { DeadLetterRow } from "./queries.ts";

/**
 * Applies a dead letter's message as if it came now, in its partition's turn.
 * @returns why it still cannot be applied, or undefined where it is
 * @throws Problem `unavailable` where the database cannot answer now; the replay may be repeated
 */
export type Replay = (letter: DeadLetterRow) => Promise<string | undefined>;

export interface ReplayOptions {
  readonly sql: Sql;
  readonly log: Logger;
  /** Something new was stored, and the ledger may have decided. */
  readonly onReplayed: () => void;
}

export function createReplay({ sql, log, onReplayed }: ReplayOptions): Replay {
  return async (letter) => {
    const parsed = parseWalletEvent({
      key: letter.key === null ? null : Buffer.from(letter.key),
      value: letter.value === null ? null : Buffer.from(letter.value),
      headers: textsOf(letter.headers),
    });
    if (!parsed.ok) return parsed.reason;
    const refusal = await applyOne(sql, letter.partition, parsed.text);
    if (refusal !== undefined) return refusal;
    await read(sql`select mark_replayed(${letter.id})`);
    log.info({ dead_letter: letter.id, event: parsed.event.id }, "a dead letter was applied after all");
    onReplayed();
    return undefined;
  };
}

async function applyOne(sql: Sql, partition: number, text: string): Promise<string | undefined> {
  try {
    const [exception] = await read(recordEvents(sql, partition, [text]));
    return exception && refusalOf(exception);
  } catch (error) {
    // The message of the database names its tables and quotes the event: not for an answer.
    if (faultOf(error) === "data") return `the database refuses its values (SQLSTATE ${codeOf(error)})`;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

function textsOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
