import { Elysia } from "elysia";
import { Gauge } from "prom-client";
import { withDeadline } from "../shared/deadline.ts";
import { describe } from "../shared/http/describe.ts";
import type { Metrics } from "../shared/http/metrics.ts";
import { Problem } from "../shared/http/problems.ts";
import { type Admin, type KafkaSettings, withAdmin } from "../shared/kafka.ts";
import { json } from "./answer.ts";
import { EXAMPLES, Lag, type PartitionLag } from "./models.ts";
import type { Queries } from "./queries.ts";

/** How far the history is behind the topic, and what is missing from it. */
export type MeasureLag = () => Promise<Lag>;

export interface LagOptions {
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly groupId: string;
  readonly queries: Pick<Queries, "countGaps" | "countDeadLetters">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** An operator who asks while the broker is away gets an answer within a second. */
const LAG_DEADLINE_MS = 900;

/** The age of an event is looked for between these: below, it is no lag to speak of; above, the number says enough. */
const AGE_MIN_MS = 10;
const AGE_MAX_MS = 30 * 24 * 60 * 60 * 1_000;
/** Each look halves the range of the age's logarithm: after nine, what is left is a tenth of the age at most. */
const AGE_LOOKS = 9;

const MS_PER_S = 1_000;

/** @returns a measurement that throws the Problem `unavailable` where the broker or the database cannot be asked in time. */
export function createLag({ kafka, topic, groupId, queries, now }: LagOptions): MeasureLag {
  const askBroker = async (): Promise<PartitionLag[]> => {
    try {
      const asked = withAdmin(kafka, LAG_DEADLINE_MS, (admin) => measurePartitions(admin, topic, groupId, now));
      return await withDeadline(asked, LAG_DEADLINE_MS, "measuring the lag");
    } catch (cause) {
      kafka.log.warn({ err: cause }, "the lag could not be measured");
      throw new Problem("unavailable", { detail: "The broker cannot be asked how far its topic is." });
    }
  };
  return async () => {
    const asked = [askBroker(), queries.countGaps(), queries.countDeadLetters()] as const;
    const [partitions, gaps, dead_letters] = await Promise.all(asked);
    const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
    const lag_seconds = Math.max(0, ...partitions.map((partition) => partition.lag_seconds));
    return { partitions, lag, lag_seconds, gaps, dead_letters };
  };
}

/** `GET /lag`. */
export function lagRoutes(measureLag: MeasureLag) {
  return new Elysia().get("/lag", async () => json(await measureLag()), {
    ...describe({
      operationId: "getLag",
      summary: "Read how far the history is behind",
      description: "Per partition of the topic, and what is missing: gaps and dead letters are 0 when all is well.",
      tags: ["Operation"],
      answer: Lag,
      example: EXAMPLES.lag,
      errors: ["unavailable"],
    }),
  });
}

/** Gauges of the same, measured when they are scraped; what cannot be measured shows nothing, not an old value. */
export function registerLag({ registry }: Metrics, measureLag: MeasureLag): void {
  let measuring: Promise<Lag | undefined> | undefined;
  // All gauges of one scrape show one measurement.
  const measureOnce = (): Promise<Lag | undefined> => {
    measuring ??= measureLag()
      .catch(() => undefined)
      .finally(() => {
        measuring = undefined;
      });
    return measuring;
  };
  const register = (
    name: string,
    help: string,
    labels: "partition"[],
    show: (gauge: Gauge<"partition">, lag: Lag) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      async collect() {
        const lag = await measureOnce();
        this.reset();
        if (lag !== undefined) show(this, lag);
        // A gauge without labels is reset to 0, which would say that all is well.
        else if (labels.length === 0) this.remove();
      },
    });

  register("history_lag_events", "Events published and not applied.", ["partition"], (gauge, { partitions }) => {
    for (const { partition, lag } of partitions) gauge.set({ partition }, lag);
  });
  register("history_lag_seconds", "Age of the oldest event not applied.", ["partition"], (gauge, { partitions }) => {
    for (const { partition, lag_seconds } of partitions) gauge.set({ partition }, lag_seconds);
  });
  register("history_gaps", "Ranges of versions that are missing.", [], (gauge, { gaps }) => gauge.set(gaps));
  register("history_dead_letters", "Messages that could not be applied.", [], (gauge, lag) =>
    gauge.set(lag.dead_letters),
  );
}

/** Offsets of the topic and its group. The group's are asked first, so that no lag comes out too small. */
async function measurePartitions(
  admin: Admin,
  topic: string,
  groupId: string,
  now: () => number,
): Promise<PartitionLag[]> {
  const [ofGroup] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = new Map(ofGroup?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  const ends = await admin.fetchTopicOffsets(topic);
  const measured = ends.map(async ({ partition, low, high }) => {
    // A group that has committed nothing yet has -1; retention may have removed what it has not read.
    const committed_offset = Math.max(committed.get(partition) ?? 0, Number(low));
    const end_offset = Number(high);
    const lag = Math.max(0, end_offset - committed_offset);
    const age_ms = lag === 0 ? 0 : await ageOf(admin, topic, partition, committed_offset, now());
    return { topic, partition, committed_offset, end_offset, lag, lag_seconds: age_ms / MS_PER_S };
  });
  return (await Promise.all(measured)).toSorted((a, b) => a.partition - b.partition);
}

/**
 * How long ago the message at this offset was written, in milliseconds. The broker only tells the first offset from a
 * time on, so the time is found by halving; it grows with the offset.
 */
async function ageOf(admin: Admin, topic: string, partition: number, offset: number, now: number): Promise<number> {
  let [younger, older] = [AGE_MIN_MS, AGE_MAX_MS];
  for (let look = 0; look < AGE_LOOKS; look += 1) {
    const middle = Math.sqrt(younger * older);
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, Math.floor(now - middle));
    const first = Number(found.find((each) => each.partition === partition)?.offset ?? 0);
    // The first message of the last `middle` milliseconds lies behind this one, so this one is older.
    if (first > offset) younger = middle;
    else older = middle;
  }
  return Math.round(older);
}
