import { createStore, type Store } from "../api/store.ts";
import type { Arrival, Stream } from "../api/stream.ts";

/** What has arrived since the page was opened, newest first. */
export type RecentEvents = Store<readonly Arrival[]>;

/** More than a person can look through; a busy system has as many in a second. */
const KEPT_EVENTS = 300;

export function createRecentEvents(stream: Stream): RecentEvents {
  const recent = createStore<readonly Arrival[]>([]);
  stream.onArrivals((arrivals) => recent.set((old) => [...arrivals.toReversed(), ...old].slice(0, KEPT_EVENTS)));
  return recent;
}
