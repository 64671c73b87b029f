import { useCallback, useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useArrivals, useResource } from "../api/resource.ts";
import { call, query } from "../api/service.ts";
import type { HistoryEvent, List, Problem } from "../api/wire.ts";

/** The events of one wallet as far as they were read. */
export interface WalletEvents {
  /** Newest first. */
  readonly events: readonly HistoryEvent[];
  readonly problem: Problem | null;
  readonly loading: boolean;
  /** Reads older ones; null where there are none. */
  readonly readOlder: (() => void) | null;
}

const PAGE_EVENTS = 200;
/** What is read at once and drawn as one chart at most; a page of the history takes a few milliseconds. */
const PAGES_AT_ONCE = 5;

interface Older {
  readonly wallet_id: string;
  readonly events: readonly HistoryEvent[];
  readonly next_cursor: string | null;
}

/** Reads the newest events, and keeps them up to date with the stream. */
export function useWalletEvents(wallet_id: string): WalletEvents {
  const { history } = useConsole();
  const path = `/wallets/${wallet_id}/history`;
  const { value, problem, loading, reload } = useResource(`history ${wallet_id}`, (signal) =>
    call<List<HistoryEvent>>(history, { method: "GET", path: path + query({ limit: PAGE_EVENTS }), signal }),
  );
  const [arrived, setArrived] = useState<readonly HistoryEvent[]>([]);
  const [older, setOlder] = useState<Older | null>(null);

  useArrivals(
    (event) => event.wallet_id === wallet_id,
    (arrivals) => {
      // Nothing in particular has arrived: the stream is there again, and what it did not tell has to be read.
      if (arrivals.length === 0) return reload();
      setArrived((old) => [...arrivals.map(({ event }) => event), ...old].slice(0, PAGE_EVENTS));
    },
  );

  const mine = older?.wallet_id === wallet_id ? older : null;
  const cursor = mine ? mine.next_cursor : (value?.next_cursor ?? null);
  const readOlder = useCallback(async (): Promise<void> => {
    let events = mine?.events ?? [];
    let next_cursor = cursor;
    for (let page = 0; page < PAGES_AT_ONCE && next_cursor !== null; page += 1) {
      const asked = path + query({ limit: PAGE_EVENTS, cursor: next_cursor });
      const read = await call<List<HistoryEvent>>(history, { method: "GET", path: asked });
      if (!read.ok) break;
      events = [...events, ...read.value.items];
      next_cursor = read.value.next_cursor;
    }
    setOlder({ wallet_id, events, next_cursor });
  }, [history, path, cursor, mine, wallet_id]);

  const ofThisWallet = arrived.filter((event) => event.wallet_id === wallet_id);
  return {
    events: merged([...ofThisWallet, ...(value?.items ?? []), ...(mine?.events ?? [])]),
    problem,
    loading,
    readOlder: cursor === null ? null : () => void readOlder(),
  };
}

/** Each version once, newest first. */
export function merged(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  const byVersion = new Map(events.map((event) => [event.wallet_version, event]));
  return [...byVersion.values()].toSorted((a, b) => b.wallet_version - a.wallet_version);
}
