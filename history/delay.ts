/** An event, as far as it is needed here. */
interface Read {
  readonly event: { readonly occurred_at: string };
}

/** How long events take to come here, as the latest of them show: by both services' clocks, so to a second or so. */
export interface Delay {
  /** Events were read from the topic. */
  note(read: readonly Read[]): void;
  /** Whether what came lately came late: the history is catching up, wherever it is that events wait. */
  isCatchingUp(): boolean;
}

/** Normal load is a tenth of this. */
const LATE_EVENT_MS = 2_000;
/** What was late longer ago says nothing of now: no events have come since. */
const LATELY_MS = 10_000;

/** @param now the time of day in milliseconds */
export function createDelay(now: () => number): Delay {
  let noted_at = Number.NEGATIVE_INFINITY;
  let delay_ms = 0;
  return {
    note(read) {
      const last = read.at(-1);
      if (last === undefined) return;
      noted_at = now();
      delay_ms = noted_at - Date.parse(last.event.occurred_at);
    },
    isCatchingUp: () => delay_ms > LATE_EVENT_MS && now() - noted_at < LATELY_MS,
  };
}
