import { type Service, UNAUTHENTICATED } from "./service.ts";
import { createParser, type Message } from "./sse.ts";
import { createStore, type Store } from "./store.ts";
import type { HistoryEvent } from "./wire.ts";

/** An event as it came to this page. */
export interface Arrival {
  readonly event: HistoryEvent;
  /** Milliseconds since 1970, by this browser's clock. */
  readonly received_ms: number;
}

/** `barred`: it waits for a key. */
export type StreamState = "connecting" | "live" | "lost" | "barred";

export interface Stream {
  readonly state: Store<StreamState>;
  /** Told of what arrives, at most ten times in a second. @returns how to end it */
  onArrivals(listener: (arrivals: readonly Arrival[]) => void): () => void;
  /** Told when the stream is there again after it was lost: what was read before may be old. */
  onReturn(listener: () => void): () => void;
  start(): void;
}

export interface StreamOptions {
  readonly history: Service;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The service sends a comment every 15 s: silence for longer means that it is lost. */
const SILENCE_MS = 40_000;
const RETRY_MS = 1_000;
/** Many events are shown together, or drawing them would be all that the page does. */
const TELL_EVERY_MS = 100;

/**
 * All events of the system as they are stored. By fetch and not by EventSource, which gives up for good when a proxy
 * answers for a service that is away, and does not say when it is silent.
 */
export function createStream({ history, now }: StreamOptions): Stream {
  const state = createStore<StreamState>("connecting");
  const listeners = new Set<(arrivals: readonly Arrival[]) => void>();
  const returned = new Set<() => void>();
  let waiting: Arrival[] = [];
  let last_id = "";
  let started = false;

  const tell = (): void => {
    const arrivals = waiting;
    waiting = [];
    for (const listener of listeners) listener(arrivals);
  };

  const take = ({ data, id }: Message): void => {
    const event: HistoryEvent = JSON.parse(data);
    if (waiting.length === 0) setTimeout(tell, TELL_EVERY_MS);
    waiting.push({ event, received_ms: now() });
    last_id = id;
  };

  const connected = (): void => {
    const was = state.get();
    state.set(() => "live");
    if (was === "lost") for (const listener of returned) listener();
  };

  const run = async (): Promise<void> => {
    for (;;) {
      await follow({ history, last_id, connected, take }).catch(() => undefined);
      const barred = history.access.state.get().wanted;
      state.set(() => (barred ? "barred" : "lost"));
      await (barred ? keyGiven(history) : new Promise((resolve) => setTimeout(resolve, RETRY_MS)));
    }
  };

  return {
    state,
    onArrivals: (listener) => join(listeners, listener),
    onReturn: (listener) => join(returned, listener),
    start() {
      if (!started) void run();
      started = true;
    },
  };
}

function keyGiven({ access }: Service): Promise<void> {
  return new Promise((resolve) => {
    const stop = access.state.subscribe(() => {
      if (access.state.get().wanted) return;
      stop();
      resolve();
    });
  });
}

interface Following {
  readonly history: Service;
  readonly last_id: string;
  connected(): void;
  take(message: Message): void;
}

/** One connection, until it ends or says nothing for too long. */
async function follow({ history, last_id, connected, take }: Following): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const authorization = history.access.headers();
    const response = await fetch(`${history.url}/events`, {
      headers: { ...authorization, ...(last_id !== "" && { "Last-Event-ID": last_id }) },
      signal: silence.signal,
    });
    if (response.status === UNAUTHENTICATED) history.access.refused(authorization);
    if (!response.ok || !response.headers.get("content-type")?.startsWith("text/event-stream") || !response.body)
      return;
    connected();
    const parse = createParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      parse(next.value).forEach(take);
    }
  } finally {
    clearTimeout(timer);
  }
}

function join<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
