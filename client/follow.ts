import type { LiveEvent } from "./answers.ts";
import type { HistoryClient } from "./client.ts";
import { pause } from "./pause.ts";
import { orThrow } from "./problem.ts";

export interface FollowOptions {
  /** Events of this wallet alone. */
  readonly wallet_id?: string;
  /** The `id` of an event that was had before: what follows it comes first. From now on, if left out. */
  readonly after?: string;
  /** Told each time that it is connected: what happens from then on will come. */
  readonly connected?: () => void;
  /** Ends it: the loop over the events then throws the signal's reason. Leaving the loop ends it as well. */
  readonly signal?: AbortSignal;
}

/** A server that ends a stream is stopping or has cut off a slow reader: the next one is asked for after a moment. */
const AGAIN_MS = 500;

/**
 * Live events, as long as they are wanted. A stream that ends or falls silent is taken up again behind the last event that came, so that
 * none is left out. (Until the first has come there is no place to go on from: what happens while the connection is lost is then missed.
 * Who needs all of them reads the history first, or gives `after`.)
 *
 * @throws Refused, where the service does not let it follow; NoAnswer, where it cannot be reached for as long as a client tries
 */
export async function* follow(history: HistoryClient, options: FollowOptions = {}): AsyncGenerator<LiveEvent, void> {
  const { wallet_id, signal } = options;
  let { after } = options;
  const query = wallet_id === undefined ? {} : { wallet_id };
  for (;;) {
    const leaving = new AbortController();
    const headers = after === undefined ? {} : { "Last-Event-ID": after };
    const ends = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal;
    const live = await orThrow(history.events.get({ query, headers, fetch: { signal: ends } }));
    options.connected?.();
    try {
      for await (const event of live) {
        yield event;
        after = event.id;
      }
    } catch {
      // Lost on the way: it is taken up again below, as one that has ended is.
    } finally {
      // Eden lets go of a stream without closing it.
      leaving.abort();
    }
    await pause(AGAIN_MS, signal);
  }
}
