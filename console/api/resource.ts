import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { answerTo } from "./attempts.ts";
import { useConsole } from "./context.ts";
import { call, type Result, type Service } from "./service.ts";
import type { Arrival } from "./stream.ts";
import type { HistoryEvent, Problem } from "./wire.ts";

/** Something that is read of a service and shown. What was read last stays on show when it cannot be read anew. */
export interface Resource<T> {
  readonly value: T | null;
  readonly problem: Problem | null;
  readonly loading: boolean;
  reload(): void;
}

interface Held<T> {
  readonly what: string;
  readonly value: T | null;
  readonly problem: Problem | null;
  readonly loading: boolean;
}

interface Running {
  readonly abort: AbortController;
  /** It is asked for once more. */
  again: boolean;
}

function emptyUnless<T>(held: Held<T>, what: string): Held<T> {
  return held.what === what ? held : { what, value: null, problem: null, loading: true };
}

export type Load<T> = (signal: AbortSignal) => Promise<Result<T>>;

/** @param what names what is read; another name is another thing, and nothing of the old one is shown for it */
export function useResource<T>(what: string, load: Load<T>): Resource<T> {
  const [held, setHeld] = useState<Held<T>>({ what, value: null, problem: null, loading: true });
  const loader = useRef(load);
  loader.current = load;
  const running = useRef<Running | null>(null);

  const reload = useCallback(() => {
    if (running.current !== null) {
      // Events may come faster than answers: then one more load, when this one is done, has all of them.
      running.current.again = true;
      return;
    }
    const mine: Running = { abort: new AbortController(), again: false };
    running.current = mine;
    setHeld((old) => ({ ...emptyUnless(old, what), loading: true }));
    void loader.current(mine.abort.signal).then((result) => {
      if (mine.abort.signal.aborted) return;
      running.current = null;
      setHeld((old) => ({
        ...emptyUnless(old, what),
        ...(result.ok ? { value: result.value, problem: null } : { problem: result.problem }),
        loading: false,
      }));
      if (mine.again) reload();
    });
  }, [what]);

  useEffect(() => {
    reload();
    return () => {
      running.current?.abort.abort();
      running.current = null;
    };
  }, [reload]);

  const { value, problem, loading } = emptyUnless(held, what);
  return { value, problem, loading, reload };
}

/** One GET of a service. */
export function useGet<T>(service: Service, path: string): Resource<T> {
  return useResource<T>(service.url + path, (signal) => call<T>(service, { method: "GET", path, signal }));
}

/** Calls back when events arrive that are of interest, and when the stream is there again after a loss. */
export function useArrivals(
  isOfInterest: (event: HistoryEvent) => boolean,
  then: (arrivals: readonly Arrival[]) => void,
) {
  const { stream } = useConsole();
  const latest = useRef({ isOfInterest, tell: then });
  latest.current = { isOfInterest, tell: then };
  useEffect(() => {
    const stopArrivals = stream.onArrivals((arrivals) => {
      const wanted = arrivals.filter(({ event }) => latest.current.isOfInterest(event));
      if (wanted.length > 0) latest.current.tell(wanted);
    });
    const stopReturns = stream.onReturn(() => latest.current.tell([]));
    return () => {
      stopArrivals();
      stopReturns();
    };
  }, [stream]);
}

/** Calls back again and again while the page is looked at. */
export function useEvery(interval_ms: number, then: () => void): void {
  const latest = useRef(then);
  latest.current = then;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) latest.current();
    }, interval_ms);
    return () => clearInterval(timer);
  }, [interval_ms]);
}

/** Calls back when something that was done in this tab is answered. */
export function useOwnActs(then: () => void): void {
  const { attempts } = useConsole();
  const latest = useRef(then);
  latest.current = then;
  useEffect(
    () =>
      attempts.list.subscribe(() => {
        if (attempts.list.get().some((attempt) => answerTo(attempt) === null)) return;
        latest.current();
      }),
    [attempts],
  );
}
