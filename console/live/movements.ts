import type { Attempt, Try } from "../api/attempts.ts";
import { answerTo } from "../api/attempts.ts";
import type { Arrival } from "../api/stream.ts";
import type { Entry, HistoryEvent } from "../api/wire.ts";
import { toMs } from "../time.ts";

/** One movement of money as its events arrive, and the way that each of them went. Pure. */

/** Events that belong together: both sides of a transfer, or all of a saga; else a single one. */
export interface Movement {
  readonly id: string;
  /** In the order in which they happened. */
  readonly arrivals: readonly Arrival[];
}

/** What joins the events of a movement. */
export function movementOf({ id, transfer_id, transaction_id }: HistoryEvent): string {
  return transfer_id ?? transaction_id ?? id;
}

/** @param arrivals newest first. @returns the movements, the one that was heard of last first */
export function toMovements(arrivals: readonly Arrival[]): readonly Movement[] {
  const groups = Map.groupBy(arrivals, ({ event }) => movementOf(event));
  return [...groups].map(([id, group]) => ({
    id,
    arrivals: group.toSorted(
      ({ event: a }, { event: b }) => rankOf(a) - rankOf(b) || toMs(a.occurred_at) - toMs(b.occurred_at),
    ),
  }));
}

/** Both sides of a transfer happen in one transaction; whoever reads expects the payer first. */
function rankOf({ event_type }: HistoryEvent): number {
  return event_type === "TRANSFER_IN" ? 1 : 0;
}

/** What an event has behind it on its way, each with the time at which it was there; null: not yet, or not known. */
export interface Way {
  readonly arrival: Arrival;
  readonly asked_ms: number | null;
  readonly answered_ms: number | null;
  /** Line, balance and outbox row are one transaction: they have one time. */
  readonly committed_ms: number;
  readonly stored_ms: number;
  readonly posted_ms: number | null;
  readonly shown_ms: number;
}

/** The try that made the movement, if it was made in this tab: the first one, since all later ones are replays. */
export function tryOf(movement_id: string, attempts: readonly Attempt[]): Try | undefined {
  const attempt = attempts.find((each) => {
    const answer = answerTo(each);
    const id = answer?.value?.id ?? answer?.problem?.transaction_id;
    return id === movement_id;
  });
  return attempt?.tries.find(({ answer }) => answer !== null && answer.status !== 0);
}

/** The way of each event of a movement. @param entries what the ledger has of it so far */
export function waysOf({ arrivals }: Movement, sent: Try | undefined, entries: readonly Entry[]): readonly Way[] {
  return arrivals.map((arrival, at) => {
    const { event, received_ms } = arrival;
    const entry = entries.find(
      ({ account_id, transaction_id }) => account_id === event.wallet_id && isOf(event, transaction_id),
    );
    return {
      arrival,
      asked_ms: at === 0 ? (sent?.sent_ms ?? null) : null,
      answered_ms: at === 0 ? (sent?.answer?.answered_ms ?? null) : null,
      committed_ms: toMs(event.occurred_at),
      stored_ms: toMs(event.created_at),
      posted_ms: entry === undefined ? null : toMs(entry.created_at),
      shown_ms: received_ms,
    };
  });
}

/** A saga is posted when its reservation arrives; the lines that settle it are not posted again. */
function isOf({ event_data, transaction_id }: HistoryEvent, posted: string): boolean {
  return event_data.posting !== "NONE" && transaction_id === posted;
}
