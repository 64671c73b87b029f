import type { ReceivedMessage } from "../../shared/consumer.ts";
import type { Sql } from "../../shared/database.ts";
import { readAll } from "../project.ts";
import type { Store } from "./store.ts";
import type { Topic } from "./topic.ts";

/** How far a rebuild reads: as far as the topics go, or just as far as the live service has come. */
export interface Reading {
  /** Applies all that the topics hold now. @returns how many events it was */
  toTheEnd(): Promise<number>;
  /** Resolves when the live service has stored what is rebuilt, or does not come nearer to it. */
  liveComesUp(): Promise<void>;
  /** Applies what the live service has stored and no more, while its writers are held back: then the two are comparable. */
  toTheLive(): Promise<void>;
}

export interface ReadingOptions {
  readonly events: Topic;
  readonly decisions: Topic;
  readonly store: Store;
  readonly sql: Sql;
}

const LOOK_MS = 250;
/** A live service that stores nothing for so long lacks what is missing, or is not running. */
const STANDSTILL_MS = 2_000;

export function createReading({ events, decisions, store, sql }: ReadingOptions): Reading {
  /** Read, and not applied: the live service has not come there. */
  let ahead: ReceivedMessage[] = [];

  /** The end of the events is looked up first: what they tell of decided sagas has been told by the decisions' end. */
  const decisionsFirst = async () => {
    const ends = await events.ends();
    await decisions.readTo(await decisions.ends(), store.takeDecisions);
    return ends;
  };

  return {
    async toTheEnd() {
      const ends = await decisionsFirst();
      const before = ahead;
      ahead = [];
      await store.takeEvents(before);
      const count = await events.readTo(ends, store.takeEvents);
      await store.retryWithheld();
      return before.length + count;
    },
    async liveComesUp() {
      let [least, since] = [Number.POSITIVE_INFINITY, performance.now()];
      while (least > 0 && performance.now() - since < STANDSTILL_MS) {
        const [row] = await sql<{ ahead: number }[]>`select count_ahead() as ahead`;
        const count = row?.ahead ?? 0;
        if (count < least) [least, since] = [count, performance.now()];
        if (count > 0) await Bun.sleep(LOOK_MS);
      }
    },
    async toTheLive() {
      const ends = await decisionsFirst();
      await events.readTo(ends, async (messages) => {
        ahead.push(...messages);
      });
      const rows = await sql<{ id: string }[]>`select id from not_rebuilt()`;
      const stored = new Set(rows.map(({ id }) => id));
      const lasts = new Map<number, ReceivedMessage>();
      for (const { message, event } of readAll(ahead).readable) {
        if (stored.has(event.id)) lasts.set(message.partition, message);
      }
      const isStored = ({ partition, offset }: ReceivedMessage): boolean => {
        const last = lasts.get(partition);
        return last !== undefined && BigInt(offset) <= BigInt(last.offset);
      };
      await store.takeEvents(ahead.filter(isStored));
      ahead = ahead.filter((message) => !isStored(message));
      await store.takeOverDecisions();
    },
  };
}
