import type { Logger } from "pino";
import { parseLedgerEvent } from "../shared/cloudevents.ts";
import type { BatchContext, ReceivedMessage } from "../shared/consumer.ts";
import type { Sql } from "../shared/database.ts";
import { type DeadLetter, recordDeadLetters } from "../shared/dead-letters.ts";
import { uuidv7 } from "../shared/ids.ts";
import { parseTraceparent } from "../shared/traceparent.ts";
import type { Committer } from "./committer.ts";
import type { Outcome, Release, Settle } from "./operation.ts";

/** What the ledger has decided, from its topic into the wallets: each decision is an operation for the same committer. */

export interface SettleOptions {
  readonly committer: Pick<Committer, "settle">;
  readonly sql: Sql;
  readonly log: Logger;
  /** Sagas may have ended. */
  readonly onSettled: () => void;
}

/** Between attempts while the database is away: each attempt has itself tried for seconds. */
const RETRY_PAUSE_MS = 200;

/** Applies a batch of decisions. Decisions that come again change nothing; what can never be applied becomes a dead letter. */
export function settleWith({ committer, sql, log, onSettled }: SettleOptions) {
  return async (messages: readonly ReceivedMessage[], batch: BatchContext): Promise<void> => {
    const letters = await Promise.all(messages.map((message) => settleOne(message, batch)));
    await recordDeadLetters(
      sql,
      letters.filter((letter) => letter !== undefined),
    );
    onSettled();
  };

  async function settleOne(message: ReceivedMessage, batch: BatchContext): Promise<DeadLetter | undefined> {
    const parsed = parseLedgerEvent(message);
    if (!parsed.ok) return { message, reason: parsed.reason };
    const { type, transaction_id: id, reason } = parsed.event;
    const traceparent = parseTraceparent(message.headers.traceparent);
    const operation: Settle | Release =
      type === "LEDGER_SUCCESS"
        ? { kind: "SETTLE", id, out_line_id: uuidv7(), in_line_id: uuidv7(), traceparent }
        : { kind: "RELEASE", id, failure_code: reason ?? "refused", traceparent };
    for (;;) {
      batch.signal.throwIfAborted();
      const problem = judge(await committer.settle(operation), operation);
      if (problem === "again") {
        await Bun.sleep(RETRY_PAUSE_MS);
        await batch.keepAlive();
        continue;
      }
      if (problem === undefined) return undefined;
      log.error({ saga: id, decision: type }, problem);
      return { message, reason: problem };
    }
  }
}

/** Undefined where the decision is applied, `again` where that is not known, else why it never can be. */
function judge(outcome: Outcome, { kind }: Settle | Release): string | undefined {
  if (outcome.failure === "internal_error") return "the decision cannot be applied";
  if (outcome.failure !== undefined) return "again";
  if (outcome.status === 404) return "no such saga";
  if (outcome.status === 409) return `the saga has ended as ${outcome.code}, and the ledger now says ${kind}`;
  return undefined;
}
