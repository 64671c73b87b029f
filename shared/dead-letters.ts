import type { ReceivedMessage } from "./consumer.ts";
import type { Sql } from "./database.ts";
import { withDeadline } from "./deadline.ts";

/** A message that can never be applied, and why, for a person. */
export interface DeadLetter {
  readonly message: Pick<ReceivedMessage, "topic" | "partition" | "offset" | "key" | "value" | "headers">;
  readonly reason: string;
}

/** The server ends a statement after 5 s: an answer that takes longer never comes. */
const DEADLINE_MS = 6_000;

/** Keeps them with bytes and headers, in this service's schema. Harmless to repeat. @throws what postgres.js throws */
export async function recordDeadLetters(sql: Sql, letters: readonly DeadLetter[]): Promise<void> {
  if (letters.length === 0) return;
  const rows = letters.map(({ message: { topic, partition, offset, key, value, headers }, reason }) => ({
    topic,
    partition,
    offset,
    headers,
    reason,
    key: key?.toString("base64") ?? null,
    value: value?.toString("base64") ?? null,
  }));
  const recorded = sql`select record_dead_letters(${JSON.stringify(rows)}::text)`;
  await withDeadline(recorded, DEADLINE_MS, "recording dead letters");
}
