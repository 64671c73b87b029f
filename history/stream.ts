import { Elysia, t } from "elysia";
import type { Logger } from "pino";
import { HistoryEvent } from "../shared/events.ts";
import { describe } from "../shared/http/describe.ts";
import { exact, uuid } from "../shared/http/fields.ts";
import { invalid, Problem } from "../shared/http/problems.ts";
import type { Feed } from "./feed.ts";
import { EXAMPLES } from "./models.ts";
import { parsePositions, partitionsBehind } from "./positions.ts";
import type { Queries } from "./queries.ts";
import { type Subscription, subscribe } from "./subscription.ts";

/** Keeps proxies, which close connections that say nothing for a minute or less, from closing this one. */
const HEARTBEAT_MS = 15_000;
/** The most clients at once. Each holds at most its buffer, a quarter of a megabyte. */
const CLIENTS_MAX = 1_000;

export interface StreamOptions {
  readonly feed: Feed;
  readonly queries: Queries;
  readonly log: Logger;
  readonly heartbeat_ms?: number;
}

/** `GET /events`: server-sent events, live, out of the stored history. */
export function createStream(options: StreamOptions) {
  const subscriptions = new Set<Subscription>();
  let stopped = false;

  const open = async (request: Request, wallet_id: string | undefined): Promise<Subscription> => {
    const cursor = await startOf(request, options.feed);
    if (stopped) throw new Problem("unavailable", { detail: "The server is stopping." });
    if (subscriptions.size >= CLIENTS_MAX) throw new Problem("overloaded");
    const { feed, queries, log, heartbeat_ms = HEARTBEAT_MS } = options;
    const subscription: Subscription = subscribe({
      feed,
      queries,
      log,
      heartbeat_ms,
      wallet_id,
      cursor,
      onEnd: () => subscriptions.delete(subscription),
    });
    subscriptions.add(subscription);
    return subscription;
  };

  const routes = () =>
    new Elysia().get(
      "/events",
      async ({ query, request, server }) => {
        const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" };
        // Between two events any time may pass.
        server?.timeout(request, 0);
        const subscription = await open(request, query.wallet_id?.toLowerCase());
        // A client that has left before its answer began never cancels it.
        if (request.signal.aborted) subscription.end();
        else request.signal.addEventListener("abort", () => subscription.end(), { once: true });
        return new Response(subscription.body, { headers });
      },
      {
        query: exact({ wallet_id: t.Optional(uuid) }),
        ...describe({
          operationId: "followEvents",
          summary: "Follow events live",
          description:
            "Server-sent events: `event` is the type, `data` an event, `id` a place in the stream. Without Last-Event-ID from now " +
            "on; with it, from behind that event, out of the stored history. A comment every 15 s keeps the connection.",
          tags: ["History"],
          answer: HistoryEvent,
          mediaType: "text/event-stream",
          example: `event: WALLET_FUNDED\nid: 0-17.3-4\ndata: ${JSON.stringify(EXAMPLES.event)}\n\n`,
          requestHeaders: ["Last-Event-ID"],
          errors: ["unavailable", "overloaded"],
        }),
      },
    );

  return {
    routes,
    /** How many follow at the moment. */
    clients: () => subscriptions.size,
    /** Ends all clients' streams, so that the server can stop. */
    stop() {
      stopped = true;
      for (const subscription of subscriptions) subscription.end();
    },
  };
}

export type Stream = ReturnType<typeof createStream>;

/** Where the stream starts. A place past the end is one of a history that has been restored since: then from its end. */
async function startOf(request: Request, feed: Feed): Promise<Map<number, number>> {
  const text = request.headers.get("last-event-id") ?? "";
  const end = await feed.end();
  if (text === "") return end;
  const place = parsePositions(text);
  if (place === undefined) throw invalid("header", "/Last-Event-ID", "must be the id of an event of this stream");
  for (const partition of partitionsBehind(end, place)) place.set(partition, end.get(partition) ?? 0);
  return place;
}
