import type { Logger } from "pino";
import { run } from "../shared/loop.ts";
import { type Positions, partitionsBehind, toPositions } from "./positions.ts";
import type { EventRow, Queries } from "./queries.ts";

/**
 * What is newly stored, by whichever process, told to all who follow. However many follow, the stored history is read once.
 *
 * Whoever joins has a place of its own in the stream, and reads on from there by itself until it has come up to the
 * feed's place; from then on it is told. Both happen in the same turn of the event loop, so nothing falls between.
 */
export interface Feed {
  /** Registers a follower; the feed has a place from then on. */
  join(follower: Follower): void;
  leave(follower: Follower): void;
  /** How far the feed has told: the place that a follower has to reach. */
  place(): Promise<Positions>;
  /** From now on the follower is told; false if it has not reached the feed's place. */
  attach(follower: Follower): boolean;
  /** Where the stored history ends now. */
  end(): Promise<Map<number, number>>;
  /** Something was stored by this process: looks now. */
  wake(): void;
  stop(): Promise<void>;
}

export interface Follower {
  /** Only this wallet's events are wanted. */
  readonly wallet_id: string | undefined;
  /** Its own place. */
  readonly cursor: Map<number, number>;
  /** Takes an event. False: this was the last that it has room for, and it reads on by itself. */
  take(event: EventRow): boolean;
}

/** Events that are read at once: some hundred kilobytes. */
export const STRETCH_EVENTS = 500;
/** Between looks, for what other processes store. */
const POLL_MS = 50;
/** With no follower there is nothing to look for; who joins wakes the loop. */
const IDLE_MS = 60_000;
/** A look reads a few stretches; one that takes longer has lost its connection. */
const LOOK_DEADLINE_MS = 15_000;
/** A look that hangs is not waited for longer: it changes nothing. */
const STOP_DEADLINE_MS = 1_000;

export interface FeedOptions {
  readonly queries: Pick<Queries, "positions" | "eventsBetween">;
  readonly log: Logger;
}

export function createFeed({ queries, log }: FeedOptions): Feed {
  const joined = new Set<Follower>();
  /** Followers that are told, by the wallet that they follow. */
  const told = new Map<string | undefined, Set<Follower>>();
  let head: Map<number, number> | undefined;

  const end = async () => toPositions(await queries.positions());
  const detach = (follower: Follower): void => {
    const others = told.get(follower.wallet_id);
    if (others?.delete(follower) && others.size === 0) told.delete(follower.wallet_id);
  };

  const tell = (event: EventRow): void => {
    for (const followers of [told.get(undefined), told.get(event.wallet_id)]) {
      for (const follower of followers ?? []) {
        if (event.position <= (follower.cursor.get(event.partition) ?? 0)) continue;
        follower.cursor.set(event.partition, event.position);
        if (!follower.take(event)) detach(follower);
      }
    }
  };

  const tellStretch = async (partition: number, last: number): Promise<void> => {
    const place = head;
    if (place === undefined) return;
    const after = place.get(partition) ?? 0;
    const upTo = Math.min(last, after + STRETCH_EVENTS);
    const events = await queries.eventsBetween({ partition, after, upTo, limit: STRETCH_EVENTS });
    // Meanwhile the last follower may have left, or a look that was given up for lost may have ended after all.
    if (place !== head || (place.get(partition) ?? 0) !== after) return;
    events.forEach(tell);
    place.set(partition, upTo);
    for (const followers of told.values()) {
      for (const { cursor } of followers) cursor.set(partition, Math.max(upTo, cursor.get(partition) ?? 0));
    }
  };

  const look = async (): Promise<number> => {
    if (joined.size === 0) return IDLE_MS;
    const stored = await end();
    head ??= stored;
    const place = head;
    for (const partition of partitionsBehind(place, stored)) await tellStretch(partition, stored.get(partition) ?? 0);
    return partitionsBehind(place, stored).length > 0 ? 0 : POLL_MS;
  };

  const loop = run(look, {
    deadline_ms: LOOK_DEADLINE_MS,
    onError: (error) => log.warn({ err: error }, "stored events could not be told to those who follow"),
  });

  return {
    join(follower) {
      joined.add(follower);
      loop.wake();
    },
    leave(follower) {
      detach(follower);
      joined.delete(follower);
      if (joined.size === 0) head = undefined;
    },
    async place() {
      const stored = head ?? (await end());
      head ??= stored;
      return head;
    },
    attach(follower) {
      if (head === undefined || partitionsBehind(follower.cursor, head).length > 0) return false;
      const others = told.get(follower.wallet_id);
      if (others) others.add(follower);
      else told.set(follower.wallet_id, new Set([follower]));
      return true;
    },
    end,
    wake() {
      if (joined.size > 0) loop.wake();
    },
    stop: () => loop.stop(STOP_DEADLINE_MS),
  };
}
