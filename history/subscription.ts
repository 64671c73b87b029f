import type { Logger } from "pino";
import { type Feed, type Follower, STRETCH_EVENTS } from "./feed.ts";
import { toItem } from "./models.ts";
import { formatPositions, partitionsBehind } from "./positions.ts";
import type { EventRow, Queries } from "./queries.ts";

/**
 * One client of the stream. It reads the stored history from its own place until it has come up to the feed, and is told
 * from then on. When its buffer is full it goes back to reading by itself, at its own pace: a slow client costs no memory
 * and misses nothing; one that takes nothing at all is cut off.
 */
export interface SubscriptionOptions {
  readonly feed: Feed;
  readonly queries: Pick<Queries, "eventsBetween">;
  readonly log: Logger;
  readonly wallet_id: string | undefined;
  /** The place behind which it starts. */
  readonly cursor: Map<number, number>;
  readonly heartbeat_ms: number;
  /** Told once, when it is over. */
  readonly onEnd: () => void;
}

export interface Subscription {
  readonly body: ReadableStream<Uint8Array>;
  /** Ends the stream in order; the client comes again with its last id. */
  end(): void;
}

/** Bytes that wait for the client: a few hundred events. */
const BUFFER_BYTES = 256 * 1024;
/** Positions that are searched at once for the events of one wallet among all others: about 10 ms. */
const SEARCH_POSITIONS = 10_000;
/** The database may come back: until then the client keeps its connection. */
const RETRY_MS = 500;

const ENCODER = new TextEncoder();

export function subscribe(options: SubscriptionOptions): Subscription {
  const { feed, log, wallet_id, cursor } = options;
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let roomMade: (() => void) | undefined;
  let taken = true;

  const hasRoom = (): boolean => (controller?.desiredSize ?? 0) > 0;
  const write = (text: string): void => controller?.enqueue(ENCODER.encode(text));
  const follower: Follower = {
    wallet_id,
    cursor,
    take(event) {
      write(toMessage(event, cursor));
      if (hasRoom()) return true;
      void readOn();
      return false;
    },
  };

  const stop = (close: (open: ReadableStreamDefaultController<Uint8Array>) => void): void => {
    const open = controller;
    if (open === undefined) return;
    controller = undefined;
    clearInterval(heartbeat);
    feed.leave(follower);
    roomMade?.();
    finish();
    close(open);
    options.onEnd();
  };

  const readOn = async (): Promise<void> => {
    while (controller !== undefined) {
      try {
        if (!hasRoom())
          await new Promise<void>((resolve) => {
            roomMade = resolve;
          });
        else if (feed.attach(follower)) return;
        else await readStretch(options, follower, write);
      } catch (error) {
        log.warn({ err: error }, "a client's events could not be read");
        await Promise.race([Bun.sleep(RETRY_MS), over]);
      }
    }
  };

  const heartbeat = setInterval(() => {
    if (hasRoom()) write(": keep-alive\n\n");
    else if (!taken) stop((open) => open.error(new Error("the client takes nothing")));
    taken = false;
  }, options.heartbeat_ms);

  const body = new ReadableStream<Uint8Array>(
    {
      start(created) {
        controller = created;
        // The headers leave with the first bytes.
        write(": connected\n\n");
        feed.join(follower);
        void readOn();
      },
      pull() {
        taken = true;
        roomMade?.();
      },
      cancel: () => stop(() => undefined),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BUFFER_BYTES }),
  );
  return { body, end: () => stop((open) => open.close()) };
}

/** Reads and writes the next events on the way to the feed's place, one stretch of one partition. */
async function readStretch(
  { feed, queries }: SubscriptionOptions,
  follower: Follower,
  write: (text: string) => void,
): Promise<void> {
  const { wallet_id, cursor } = follower;
  const target = await feed.place();
  const [partition] = partitionsBehind(cursor, target);
  if (partition === undefined) return;
  const after = cursor.get(partition) ?? 0;
  const upTo = Math.min(
    target.get(partition) ?? 0,
    after + (wallet_id === undefined ? STRETCH_EVENTS : SEARCH_POSITIONS),
  );
  const events = await queries.eventsBetween({ partition, after, upTo, wallet_id, limit: STRETCH_EVENTS });
  for (const event of events) {
    cursor.set(partition, event.position);
    write(toMessage(event, cursor));
  }
  if (events.length < STRETCH_EVENTS) cursor.set(partition, upTo);
}

/** The event in the text of the WHATWG's `text/event-stream`; JSON has no line breaks of its own. */
function toMessage(event: EventRow, place: ReadonlyMap<number, number>): string {
  const data = JSON.stringify(toItem(event));
  return `event: ${event.event_type}\nid: ${formatPositions(place)}\ndata: ${data}\n\n`;
}
