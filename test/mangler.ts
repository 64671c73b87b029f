/** Stands between a topic and its reader: what comes in goes out in bursts, out of order, and some of it again and again. */
import type { OutgoingMessage } from "../shared/cloudevents.ts";
import { createConsumer, type ReceivedMessage } from "../shared/consumer.ts";
import { connectProducer, type KafkaSettings } from "../shared/kafka.ts";
import { until } from "./until.ts";

export interface Mangler {
  /** How often a message went out that had been out before. */
  repetitions(): number;
  /** Messages that went out behind a later one of their partition. */
  overtaken(): number;
  /** Resolves when all that has come in is out. */
  drained(): Promise<void>;
  stop(): Promise<void>;
}

export interface ManglerOptions {
  readonly kafka: KafkaSettings;
  readonly from: string;
  readonly to: string;
  readonly random: () => number;
}

const AGAIN = 0.2;
const MOST_PAUSE_MS = 200;
const SEND_DEADLINE_MS = 10_000;

/** A key keeps its partition, so only the order within it changes. */
export async function startMangler({ kafka, from, to, random }: ManglerOptions): Promise<Mangler> {
  const producer = await connectProducer(kafka, SEND_DEADLINE_MS);
  const waiting: {
    readonly message: OutgoingMessage;
    readonly partition: number;
    readonly offset: number;
    seen: number;
  }[] = [];
  const furthest = new Map<number, number>();
  let repetitions = 0;
  let overtaken = 0;
  const consumer = createConsumer({
    kafka,
    topic: from,
    groupId: `mangler-${from}`,
    log: kafka.log,
    handle: async (messages) => {
      waiting.push(...messages.map((each) => ({ ...outgoing(each), seen: 0 })));
    },
  });
  consumer.start();

  let over = false;
  const sending = (async () => {
    while (!over) {
      await Bun.sleep(random() * MOST_PAUSE_MS);
      const burst: OutgoingMessage[] = [];
      for (let left = Math.ceil(random() * waiting.length); left > 0; left -= 1) {
        const index = Math.floor(random() * waiting.length);
        const [taken] = waiting.splice(index, 1);
        if (taken === undefined) break;
        burst.push(taken.message);
        if (taken.seen > 0) repetitions += 1;
        else if (taken.offset < (furthest.get(taken.partition) ?? 0)) overtaken += 1;
        furthest.set(taken.partition, Math.max(taken.offset, furthest.get(taken.partition) ?? 0));
        if (random() < AGAIN) waiting.push({ ...taken, seen: taken.seen + 1 });
      }
      if (burst.length > 0) await producer.send(to, burst, SEND_DEADLINE_MS);
    }
  })();
  return {
    repetitions: () => repetitions,
    overtaken: () => overtaken,
    async drained() {
      await until(() => waiting.length === 0, { timeout_ms: 60_000, what: "the mangler has passed on all" });
    },
    async stop() {
      over = true;
      await sending;
      await consumer.stop(2_000);
      await producer.close();
    },
  };
}

function outgoing({ key, value, headers, partition, offset }: ReceivedMessage) {
  const message = { key: key?.toString() ?? "", value: value?.toString() ?? "", headers: { ...headers } };
  return { message, partition, offset: Number(offset) };
}
