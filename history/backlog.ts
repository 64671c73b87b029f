import type { Logger } from "pino";
import type { Sql } from "../shared/database.ts";
import { createFaultLog } from "../shared/fault-log.ts";
import { type Loop, run } from "../shared/loop.ts";

/** Goes on with the wallets that have more stored events than one call may apply to the ledger: behind a gap that has closed. */

/** Rare, and nobody waits for it but the wallet itself. */
const PAUSE_MS = 1_000;
/** One part takes less than the statement's time-out of 5 s. */
const RUN_DEADLINE_MS = 10_000;

/** Starts the work; several processes may do it. */
export function continueLedger(sql: Sql, log: Logger): Loop {
  return run(
    async () => {
      const [row] = await sql<{ more: boolean }[]>`select continue_ledger() as more`;
      return row?.more === true ? 0 : PAUSE_MS;
    },
    { deadline_ms: RUN_DEADLINE_MS, onError: createFaultLog(log, "the ledger's backlog cannot be applied now") },
  );
}
