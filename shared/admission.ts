import type { Logger } from "pino";
import type { Sql } from "./database.ts";
import { type Loop, run } from "./loop.ts";

/**
 * Whether a server may use the database that it has found. It waits for one that is not there yet, and never ends for the
 * lack of it; one that it must not use ends it.
 */

/** A database that must not be used; the message says what to do. */
export class NotAdmitted extends Error {
  override readonly name = "NotAdmitted";
}

/** Looks at the database. @throws NotAdmitted; anything else means that it could not be looked at yet. */
export type AdmissionCheck = (sql: Sql) => Promise<void>;

/** An attempt that takes longer is given up. */
const LOOK_DEADLINE_MS = 5_000;
/** Once admitted there is nothing to look at any more. */
const NEVER_AGAIN_MS = 24 * 60 * 60 * 1_000;

export interface Admission {
  /** Whether every check has passed. */
  readonly admitted: () => boolean;
  readonly stop: (deadlineMs: number) => Promise<void>;
}

/** Looks until all checks have passed. `onRefused` is told of a {@link NotAdmitted}, once; then it looks no more. */
export function seekAdmission(
  sql: Sql,
  checks: readonly AdmissionCheck[],
  { log, onRefused }: { readonly log: Logger; readonly onRefused: (error: NotAdmitted) => void },
): Admission {
  let admitted = false;
  let refused = false;
  const loop: Loop = run(
    async () => {
      if (admitted || refused) return NEVER_AGAIN_MS;
      try {
        for (const check of checks) await check(sql);
        admitted = true;
      } catch (error) {
        if (!(error instanceof NotAdmitted)) throw error;
        refused = true;
        onRefused(error);
      }
      return NEVER_AGAIN_MS;
    },
    {
      deadline_ms: LOOK_DEADLINE_MS,
      onError: (error) => log.warn({ err: error }, "waiting for the database"),
    },
  );
  return { admitted: () => admitted, stop: (deadlineMs) => loop.stop(deadlineMs) };
}

/** Settings without which a confirmed commit may be lost when the machine stops (PostgreSQL, Reliability and the WAL). */
const DURABLE = ["fsync", "full_page_writes", "synchronous_commit"] as const;

/** Refuses a database that may forget what it has confirmed. */
export async function ensureDurable(sql: Sql): Promise<void> {
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, setting from pg_settings where name = any (${[...DURABLE]}) and setting = 'off'`;
  if (rows.length === 0) return;
  const unsafe = rows.map(({ name }) => `${name} = off`).join(", ");
  throw new NotAdmitted(
    `The database has ${unsafe}: it may lose money that was confirmed. Switch it on, or set ALLOW_UNSAFE_DURABILITY=true to accept that.`,
  );
}
