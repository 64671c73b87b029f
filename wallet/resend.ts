import type { Logger } from "pino";
import type { Sql } from "../shared/database.ts";
import { createFaultLog } from "../shared/fault-log.ts";
import { type Loop, run } from "../shared/loop.ts";

/** Stuck sagas: the ledger is told again of a reservation that it has not answered. */

/** The ledger answers within a second; ten times that, and something was lost or is down. */
export const STUCK_AFTER_S = 10;
/** So that a long outage of the ledger ends in a queue of questions and not in a flood. */
const CHUNK_SAGAS = 500;
const PAUSE_MS = 2_000;
const RUN_DEADLINE_MS = 10_000;

/** Starts the work; `onResent` is told of each chunk. */
export function resendReservations(sql: Sql, log: Logger, onResent: (sagas: number) => void): Loop {
  return run(
    async () => {
      const [row] = await sql<{ resent: number }[]>`
        select wallet.resend_reservations(${STUCK_AFTER_S}, ${CHUNK_SAGAS}) as resent`;
      const resent = row?.resent ?? 0;
      if (resent > 0) log.warn({ sagas: resent }, "the ledger has not answered: reservations are sent again");
      onResent(resent);
      return PAUSE_MS;
    },
    {
      deadline_ms: RUN_DEADLINE_MS,
      onError: createFaultLog(log, "stuck sagas could not be looked for"),
    },
  );
}
