import type { Logger } from "pino";
import { withDeadline } from "./deadline.ts";
import { createFaultLog } from "./fault-log.ts";
import { type ConsumerClient, createConsumerClient, type EachBatchPayload, type KafkaSettings } from "./kafka.ts";
import { type Loop, run } from "./loop.ts";

/**
 * Reads a topic as a member of a group: each batch of a partition goes to the service, then its offset is committed.
 * A message comes at least once, and in the order of its partition.
 *
 * The client is given up and made anew when it has crashed or shows no sign of life, so that no fault outlives its
 * cause. The library's own retries come first, since they keep the membership: a new member is let in only when the
 * broker has stopped waiting for the old one.
 */
export interface ConsumerOptions {
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly groupId: string;
  /** Applies a batch; rejected, it comes again. It must call `keepAlive` now and then if it waits for something. */
  readonly handle: (messages: readonly ReceivedMessage[], batch: BatchContext) => Promise<void>;
  readonly log: Logger;
  /** Partitions worked on at the same time. */
  readonly concurrency?: number;
}

export interface ReceivedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** As text that JSON and PostgreSQL can hold; several of one name are joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it was appended or sent, in milliseconds since 1970. */
  readonly timestamp_ms: number;
}

export interface BatchContext {
  /** Tells the group that this member lives. Throws once the partition is no longer this member's. */
  keepAlive(): Promise<void>;
  /** Aborted when the consumer is to stop. */
  readonly signal: AbortSignal;
}

export interface ConsumerState {
  /** `waiting`: no broker, no topic, or between two clients. */
  readonly status: "stopped" | "waiting" | "running";
  readonly partitions: readonly number[];
  /** Messages that are not yet applied, of this member's partitions, as of their last batches. */
  readonly lag: number;
  readonly applied: number;
  readonly last_error: string | null;
}

export interface Consumer {
  /** Returns at once; the broker and the topic may come later. */
  start(): void;
  /** Lets the batch at work end, at most this long. */
  stop(deadline_ms: number): Promise<void>;
  state(): ConsumerState;
}

/** A member that is silent for so long is out of the group: the least that brokers allow without being told otherwise. */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_MS = 1_500;
/** How long the others are waited for when the group changes: longer than a batch takes. */
const REBALANCE_TIMEOUT_MS = 8_000;
/** A fetch without messages ends after this time; with messages it ends at once. The heartbeat comes in between. */
const FETCH_WAIT_MS = 250;
const CONNECT_DEADLINE_MS = 5_000;
/** No fetch, no batch, no heartbeat for so long: stuck. A call of the database takes at most 6 s. */
const STUCK_AFTER_MS = 10_000;
/**
 * The broker waits for members that were killed while they joined, then for the leader among them, and then once more:
 * a client that gives up before is one more of those, and all that wait together would never get in.
 */
const JOIN_WITHIN_MS = 2 * (REBALANCE_TIMEOUT_MS + SESSION_TIMEOUT_MS);
const LOOK_MS = 500;
const CLOSE_DEADLINE_MS = 2_000;
/** A session lasts as long as all goes well. */
const SESSION_DEADLINE_MS = 2 ** 31 - 1;
/** Some ten seconds of trying within one membership, then a new client. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, multiplier: 1.5, retries: 22 };

export function createConsumer(options: ConsumerOptions): Consumer {
  const reader = new Reader(options);
  let loop: Loop | undefined;
  return {
    start() {
      loop ??= run((signal) => reader.session(signal), {
        deadline_ms: SESSION_DEADLINE_MS,
        onError: (error) => reader.failed(error),
      });
    },
    async stop(deadline_ms) {
      reader.closeDeadline_ms = deadline_ms;
      await loop?.stop(deadline_ms + CLOSE_DEADLINE_MS);
      reader.stopped();
    },
    state: () => reader.state(),
  };
}

class Reader {
  closeDeadline_ms = CLOSE_DEADLINE_MS;
  #status: ConsumerState["status"] = "stopped";
  #partitions: readonly number[] = [];
  readonly #lags = new Map<number, number>();
  #applied = 0;
  #last_error: string | null = null;
  #alive_at = 0;
  /** Whether this session has been a member: then the next one may come at once. */
  #joined = false;
  #joining = true;

  readonly #tellFault: (error: unknown, fields: Record<string, unknown>) => void;

  constructor(readonly options: ConsumerOptions) {
    this.#tellFault = createFaultLog(options.log, "the topic cannot be read now");
  }

  state(): ConsumerState {
    const lag = this.#partitions.reduce((sum, partition) => sum + (this.#lags.get(partition) ?? 0), 0);
    return {
      status: this.#status,
      partitions: this.#partitions,
      lag,
      applied: this.#applied,
      last_error: this.#last_error,
    };
  }

  stopped(): void {
    this.#status = "stopped";
    this.#partitions = [];
  }

  failed(error: unknown): void {
    this.#last_error = error instanceof Error ? error.message : String(error);
    this.#tellFault(error, { topic: this.options.topic, group: this.options.groupId });
  }

  /** One client, from its connection to its end. Resolves when it was told to stop. */
  async session(signal: AbortSignal): Promise<number> {
    const { kafka, groupId } = this.options;
    this.#status = "waiting";
    this.#joined = false;
    this.#joining = true;
    const client = createConsumerClient(kafka, {
      groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      // The restart is ours, with a client that carries nothing over.
      retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
    });
    const end = Promise.withResolvers<Error | undefined>();
    const onAbort = (): void => end.resolve(undefined);
    signal.addEventListener("abort", onAbort);
    this.#watch(client, end.resolve);
    const watchdog = setInterval(() => {
      const patience_ms = this.#joining ? JOIN_WITHIN_MS : STUCK_AFTER_MS;
      if (performance.now() - this.#alive_at > patience_ms) end.resolve(new Error("The consumer is stuck"));
    }, LOOK_MS);
    try {
      this.#alive_at = performance.now();
      await Promise.race([this.#begin(client, signal), end.promise]);
      const error = await end.promise;
      if (error === undefined) return 0;
      if (!this.#joined) throw error;
      this.failed(error);
      return RETRY.initialRetryTime;
    } finally {
      clearInterval(watchdog);
      signal.removeEventListener("abort", onAbort);
      this.#status = "waiting";
      await client.close(signal.aborted ? this.closeDeadline_ms : CLOSE_DEADLINE_MS);
    }
  }

  async #begin({ consumer }: ConsumerClient, signal: AbortSignal): Promise<void> {
    const { topic, concurrency } = this.options;
    await withDeadline(consumer.connect(), CONNECT_DEADLINE_MS, "connecting to the broker");
    // From the beginning: a new group must not miss what was published before it first came.
    await withDeadline(
      consumer.subscribe({ topic, fromBeginning: true }),
      CONNECT_DEADLINE_MS,
      `asking for the topic ${topic}`,
    );
    await consumer.run({
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: concurrency ?? 1,
      eachBatch: (payload) => this.#eachBatch(payload, signal),
    });
  }

  #watch({ consumer }: ConsumerClient, end: (error: Error) => void): void {
    const alive = (): void => {
      this.#alive_at = performance.now();
    };
    consumer.on(consumer.events.CRASH, ({ payload }) => end(payload.error));
    consumer.on(consumer.events.FETCH, alive);
    consumer.on(consumer.events.HEARTBEAT, alive);
    consumer.on(consumer.events.END_BATCH_PROCESS, alive);
    consumer.on(consumer.events.REBALANCING, () => {
      alive();
      this.#joining = true;
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      alive();
      this.#joining = false;
      this.#status = "running";
      this.#joined = true;
      this.#last_error = null;
      this.#partitions = payload.memberAssignment[this.options.topic] ?? [];
      this.options.log.info({ topic: this.options.topic, partitions: this.#partitions }, "partitions assigned");
    });
  }

  async #eachBatch(payload: EachBatchPayload, signal: AbortSignal): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const last = batch.messages.at(-1);
    if (last === undefined || signal.aborted || !isRunning() || isStale()) return;
    const messages = receivedOf(batch);
    await this.options.handle(messages, {
      signal,
      keepAlive: async () => {
        this.#alive_at = performance.now();
        await heartbeat();
      },
    });
    resolveOffset(last.offset);
    this.#applied += messages.length;
    this.#lags.set(batch.partition, Number(BigInt(batch.highWatermark) - BigInt(last.offset) - 1n));
    this.#last_error = null;
  }
}

/** The messages of a batch, as they are handed on. */
export function receivedOf({ topic, partition, messages }: EachBatchPayload["batch"]): ReceivedMessage[] {
  return messages.map((message) => ({
    topic,
    partition,
    offset: message.offset,
    key: message.key,
    value: message.value,
    headers: plainHeaders(message.headers ?? {}),
    timestamp_ms: Number(message.timestamp),
  }));
}

/** PostgreSQL's text and jsonb hold no NUL, and a header that cannot be stored must not stop a dead letter. */
function plainHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [plain(name), plain([value].flat().map(String).join(","))]),
  );
}

function plain(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}
