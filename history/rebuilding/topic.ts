import { type ReceivedMessage, receivedOf } from "../../shared/consumer.ts";
import { withDeadline } from "../../shared/deadline.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { createConsumerClient, type KafkaSettings, withAdmin } from "../../shared/kafka.ts";

/**
 * Reads a topic from its start, and then on, without leaving a trace at the broker: a group of its own that commits nothing.
 *
 * Messages of all partitions are merged by the time at which they were sent, so that what made another thing possible comes
 * before it, also from another partition: a saga's reservation before the payment that its receiver makes of it.
 */
export interface Topic {
  /** Where each partition ends now: the offset of the next message. */
  ends(): Promise<Ends>;
  /** Hands on what has not been handed on yet, up to these ends. @returns how many messages it was */
  readTo(ends: Ends, take: (messages: readonly ReceivedMessage[]) => Promise<void>): Promise<number>;
  close(): Promise<void>;
}

export type Ends = ReadonlyMap<number, bigint>;

/** Messages that are handed on at once: half a second's work of the database. */
const WINDOW_MESSAGES = 4_000;
/** A partition with so many messages in memory is not read on, so that none of them runs far ahead of the others. */
const MOST_WAITING = 20_000;
const ADMIN_DEADLINE_MS = 5_000;
const CLOSE_DEADLINE_MS = 3_000;
/** Joining takes seconds at most, and there are messages to be read. */
const SILENCE_DEADLINE_MS = 60_000;
const SESSION_TIMEOUT_MS = 30_000;
const FETCH_WAIT_MS = 100;

/** What of a partition has been received and not handed on. */
interface Lane {
  messages: ReceivedMessage[];
  /** The first in `messages` that has not been handed on. */
  head: number;
  /** The next offset to hand on. */
  next: bigint;
  paused: boolean;
}

/** Begins to read. @throws where the topic or the broker is not there */
export async function openTopic(kafka: KafkaSettings, topic: string): Promise<Topic> {
  const offsets = await withAdmin(kafka, ADMIN_DEADLINE_MS, (admin) => admin.fetchTopicOffsets(topic));
  const lanes = new Map<number, Lane>(
    offsets.map(({ partition, low }) => [partition, { messages: [], head: 0, next: BigInt(low), paused: false }]),
  );
  let arrival = Promise.withResolvers<void>();
  let crash: Error | undefined;
  const wake = (): void => {
    arrival.resolve();
    arrival = Promise.withResolvers();
  };

  const client = createConsumerClient(kafka, {
    groupId: `rebuild-${uuidv7()}`,
    sessionTimeout: SESSION_TIMEOUT_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
  });
  const { consumer } = client;
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crash = payload.error;
    wake();
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const lane = lanes.get(batch.partition);
      if (lane === undefined) throw new Error(`The topic ${topic} has got another partition: begin again`);
      const last = lane.messages.at(-1);
      const expected = last === undefined ? lane.next : BigInt(last.offset) + 1n;
      for (const message of receivedOf(batch)) if (BigInt(message.offset) >= expected) lane.messages.push(message);
      if (lane.messages.length - lane.head > MOST_WAITING) {
        lane.paused = true;
        consumer.pause([{ topic, partitions: [batch.partition] }]);
      }
      wake();
    },
  });

  const drop = (partition: number, lane: Lane): void => {
    lane.messages.splice(0, lane.head);
    lane.head = 0;
    if (!lane.paused || lane.messages.length > MOST_WAITING / 2) return;
    lane.paused = false;
    consumer.resume([{ topic, partitions: [partition] }]);
  };

  /** The lanes that are not at their end, all of them with a message to hand on. */
  const openLanes = async (ends: Ends): Promise<Lane[]> => {
    for (;;) {
      if (crash !== undefined) throw new Error(`The topic ${topic} cannot be read`, { cause: crash });
      const open = [...lanes].filter(([partition, { next }]) => next < (ends.get(partition) ?? 0n));
      if (open.every(([, { messages, head }]) => head < messages.length)) return open.map(([, lane]) => lane);
      await withDeadline(arrival.promise, SILENCE_DEADLINE_MS, `waiting for messages of ${topic}`);
    }
  };

  return {
    async ends() {
      const now = await withAdmin(kafka, ADMIN_DEADLINE_MS, (admin) => admin.fetchTopicOffsets(topic));
      return new Map(now.map(({ partition, high }) => [partition, BigInt(high)]));
    },
    async readTo(ends, take) {
      let count = 0;
      for (;;) {
        const window: ReceivedMessage[] = [];
        while (window.length < WINDOW_MESSAGES) {
          const message = takeEarliest(await openLanes(ends));
          if (message === undefined) break;
          window.push(message);
        }
        if (window.length === 0) return count;
        for (const [partition, lane] of lanes) drop(partition, lane);
        await take(window);
        count += window.length;
      }
    },
    close: () => client.close(CLOSE_DEADLINE_MS),
  };
}

function takeEarliest(lanes: readonly Lane[]): ReceivedMessage | undefined {
  let earliest: { readonly lane: Lane; readonly message: ReceivedMessage } | undefined;
  for (const lane of lanes) {
    const message = lane.messages[lane.head];
    if (message === undefined) continue;
    if (earliest === undefined || message.timestamp_ms < earliest.message.timestamp_ms) earliest = { lane, message };
  }
  if (earliest === undefined) return undefined;
  earliest.lane.head += 1;
  earliest.lane.next = BigInt(earliest.message.offset) + 1n;
  return earliest.message;
}
