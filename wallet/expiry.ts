import type { Logger } from "pino";
import type { Sql } from "../shared/database.ts";
import { createFaultLog } from "../shared/fault-log.ts";
import { type Loop, run } from "../shared/loop.ts";

/** Removes idempotency keys that have lived long enough, chunk by chunk. */

/** Rows of one chunk: some ten milliseconds of locks on rows that nobody else wants. */
const CHUNK_KEYS = 1_000;
/** Between looks that found nothing left to do. */
const PAUSE_MS = 60_000;
/** Between chunks, so that a backlog never takes more than a small share of the database. */
const CHUNK_PAUSE_MS = 100;
const RUN_DEADLINE_MS = 10_000;

/** Starts the clean-up; `onRemoved` is told the size of each chunk. */
export function removeExpiredKeys(sql: Sql, log: Logger, onRemoved: (keys: number) => void): Loop {
  return run(
    async () => {
      const [row] = await sql<{ removed: number }[]>`select wallet.remove_expired_keys(${CHUNK_KEYS}) as removed`;
      const removed = row?.removed ?? 0;
      onRemoved(removed);
      return removed === CHUNK_KEYS ? CHUNK_PAUSE_MS : PAUSE_MS;
    },
    {
      deadline_ms: RUN_DEADLINE_MS,
      onError: createFaultLog(log, "expired idempotency keys could not be removed"),
    },
  );
}
