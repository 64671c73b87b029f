import type { Logger } from "pino";
import type { Sql } from "./database.ts";
import { createFaultLog } from "./fault-log.ts";
import { type Loop, run } from "./loop.ts";

/** Keeps the outbox's partitions: days ahead are made, days that are published and old are dropped. */

/** A week without any server running, and the events of that day still have a partition. */
const DAYS_AHEAD = 7;
/** As long as `republish` can bring an event back. */
const DAYS_KEPT = 7;
const EVERY_MS = 60 * 60 * 1_000;
const DEADLINE_MS = 30_000;

/** Starts the upkeep; several processes may do it. */
export function keepOutboxDays(sql: Sql, log: Logger): Loop {
  return run(
    async () => {
      // Two statements: where the days behind cannot be dropped now, the days ahead are still made.
      const [ahead] = await sql<{ made: number }[]>`select create_outbox_days(${DAYS_AHEAD}) as made`;
      const [behind] = await sql<{ dropped: number }[]>`select drop_outbox_days(${DAYS_KEPT}) as dropped`;
      const days = { made: ahead?.made ?? 0, dropped: behind?.dropped ?? 0 };
      if (days.made + days.dropped > 0) log.info(days, "the outbox's partitions have changed");
      return EVERY_MS;
    },
    {
      deadline_ms: DEADLINE_MS,
      first_backoff_ms: 1_000,
      most_backoff_ms: 60_000,
      onError: createFaultLog(log, "the outbox's partitions cannot be kept now"),
    },
  );
}
