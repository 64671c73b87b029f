import { type KafkaSettings, withAdmin } from "./kafka.ts";

/** Questions to the broker about topics and groups, each on a short connection and within a deadline. */

/** Enough for a broker that is busy; who asks for lag waits no longer. */
const DEADLINE_MS = 5_000;

export interface PartitionOffset {
  readonly partition: number;
  /** The offset of the next message. */
  readonly end_offset: string;
  /** The offset that the group goes on from; null if it has never committed one. */
  readonly committed_offset: string | null;
}

/** How far a group is in a topic, for each partition in order. */
export async function groupOffsets(kafka: KafkaSettings, topic: string, groupId: string): Promise<PartitionOffset[]> {
  return withAdmin(kafka, DEADLINE_MS, async (admin) => {
    const ends = await admin.fetchTopicOffsets(topic);
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, offset]));
    return ends
      .map(({ partition, high }) => {
        const offset = committed.get(partition);
        return {
          partition,
          end_offset: high,
          committed_offset: offset === undefined || offset === "-1" ? null : offset,
        };
      })
      .sort((one, other) => one.partition - other.partition);
  });
}

/** Whether a broker answers. */
export async function brokerAnswers(kafka: KafkaSettings, deadline_ms: number): Promise<boolean> {
  return withAdmin(kafka, deadline_ms, (admin) => admin.describeCluster()).then(
    ({ brokers }) => brokers.length > 0,
    () => false,
  );
}
