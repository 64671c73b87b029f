import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import {
  type Admin,
  CompressionTypes,
  ConfigResourceTypes,
  type Consumer,
  type ConsumerConfig,
  type EachBatchPayload,
  Kafka,
  logLevel,
  type RetryOptions,
} from "kafkajs";
import type { Logger } from "pino";
import { namesHost } from "./certificates.ts";
import type { OutgoingMessage } from "./cloudevents.ts";
import { withDeadline } from "./deadline.ts";
import { partitionOf } from "./partitioner.ts";

/**
 * Clients of the broker. This is the only file that knows kafkajs.
 *
 * Each client is a `Kafka` of its own with sockets of its own: kafkajs's `disconnect` waits for answers that a broken
 * broker never gives, so a client can also be cut off, which ends its sockets and lets it open no other.
 */

export interface KafkaSettings {
  readonly brokers: readonly string[];
  /** TLS: the certificate has to be valid and to name the broker's host. */
  readonly ssl: boolean;
  /** Who may vouch for it, as PEM; none: those whom the system trusts. */
  readonly sslCa?: string | null;
  readonly sasl: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  } | null;
  /** Shown in the broker's logs and quotas. */
  readonly clientId: string;
  readonly log: Logger;
}

export type { Admin, EachBatchPayload };
export { ConfigResourceTypes };

/** A client that can be ended at once. */
interface Client {
  readonly kafka: Kafka;
  /** Ends all sockets, now and for good. */
  cut(): void;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** An answer that takes longer never comes; group joins have a longer time of their own. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long a client may say goodbye before it is cut off. */
const CLOSE_TIMEOUT_MS = 2_000;
/** A lost keep-alive tells of a broker that has vanished without a word. */
const KEEP_ALIVE_MS = 10_000;

/** Where kafkajs tries again by itself: soon, and not for long, because the callers here try again too. */
const FEW_RETRIES = { initialRetryTime: 50, maxRetryTime: 500, retries: 3 };

export interface Producer {
  /** Sends all, and resolves when every partition's replicas have them; failed or late, the outcome is unknown. */
  send(topic: string, messages: readonly OutgoingMessage[], deadline_ms: number): Promise<void>;
  /** Whether it may still be used: not after a failure, since a late message of it could follow later ones. */
  readonly usable: boolean;
  close(): Promise<void>;
}

/**
 * A producer with `acks=all`, one request in flight and no retries of its own: what is sent again, and when, is the
 * relay's to decide. Keys map to partitions as in Java's clients, so other tools find a wallet where this one puts it.
 */
export async function connectProducer(settings: KafkaSettings, deadline_ms: number): Promise<Producer> {
  const client = createClient(settings, { initialRetryTime: 50, maxRetryTime: 200, retries: 1 });
  const producer = client.kafka.producer({
    createPartitioner:
      () =>
      ({ message, partitionMetadata }) =>
        partitionOf(message.key ?? "", partitionMetadata.length),
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    idempotent: false,
    retry: { retries: 0 },
  });
  let usable = true;
  const giveUp = (): void => {
    usable = false;
    client.cut();
  };
  try {
    await withDeadline(producer.connect(), deadline_ms, "connecting to the broker");
  } catch (error) {
    giveUp();
    throw error;
  }
  return {
    get usable() {
      return usable;
    },
    async send(topic, messages, deadline) {
      const sending = producer.send({
        topic,
        messages: [...messages],
        acks: -1,
        timeout: Math.max(1, Math.floor(deadline)),
        compression: CompressionTypes.None,
      });
      try {
        await withDeadline(sending, deadline, "sending to the broker");
      } catch (error) {
        giveUp();
        throw error;
      }
    },
    async close() {
      usable = false;
      await goodbye(() => producer.disconnect(), client);
    },
  };
}

/** A consumer that the caller runs; `cut` ends it where `disconnect` would hang. */
export interface ConsumerClient {
  readonly consumer: Consumer;
  close(deadline_ms: number): Promise<void>;
}

export function createConsumerClient(settings: KafkaSettings, config: ConsumerConfig): ConsumerClient {
  // The consumer's patience also for the connections below it: what they give up on ends its membership.
  const client = createClient(settings, config.retry ?? FEW_RETRIES);
  const consumer = client.kafka.consumer({ ...config, allowAutoTopicCreation: false });
  return { consumer, close: (deadline_ms) => goodbye(() => consumer.disconnect(), client, deadline_ms) };
}

/** Runs the work on a connected admin client of its own, all within the deadline. */
export async function withAdmin<T>(
  settings: KafkaSettings,
  deadline_ms: number,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const client = createClient(settings, FEW_RETRIES);
  const admin = client.kafka.admin();
  try {
    return await withDeadline(
      admin.connect().then(() => work(admin)),
      deadline_ms,
      "asking the broker",
    );
  } finally {
    await goodbye(() => admin.disconnect(), client);
  }
}

async function goodbye(disconnect: () => Promise<void>, client: Client, deadline_ms = CLOSE_TIMEOUT_MS): Promise<void> {
  await withDeadline(disconnect(), deadline_ms, "leaving the broker").catch(() => undefined);
  client.cut();
}

function createClient(settings: KafkaSettings, retry: RetryOptions): Client {
  const sockets = new Set<Socket>();
  let open = true;
  const kafka = new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    ssl: settings.ssl && { ...(settings.sslCa && { ca: settings.sslCa }) },
    ...(settings.sasl === null ? {} : { sasl: sasl(settings.sasl) }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry,
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => {
      // What a client complains of while it is being cut off is meant to be so.
      if (open) bridge(settings.log, entry.level, entry.namespace, entry.log);
    },
    socketFactory: ({ host, port, ssl, onConnect }) => {
      if (!open) throw new Error("This client has been cut off");
      const socket = openSocket(host, port, ssl, onConnect);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      return socket;
    },
  });
  return {
    kafka,
    cut() {
      open = false;
      // With an error, since kafkajs does not listen to a plain close and would wait for its answers.
      for (const socket of sockets) socket.destroy(new Error("cut off"));
    },
  };
}

function openSocket(host: string, port: number, ssl: ConnectionOptions | undefined, onConnect: () => void): Socket {
  const socket = ssl
    ? connectTls(
        {
          host,
          port,
          ...(isIP(host) === 0 && { servername: host }),
          ...ssl,
          rejectUnauthorized: true,
          checkServerIdentity: namesHost(host),
        },
        onConnect,
      )
    : connectTcp({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // A batch is written at once; waiting to fill a packet would only add to its way.
  socket.setNoDelay(true);
  return socket;
}

function sasl({ mechanism, username, password }: NonNullable<KafkaSettings["sasl"]>) {
  switch (mechanism) {
    case "plain":
      return { mechanism, username, password } as const;
    case "scram-sha-256":
      return { mechanism, username, password } as const;
    case "scram-sha-512":
      return { mechanism, username, password } as const;
  }
}

/**
 * The library's lines, for debugging only: it calls every lost connection an error, also those that it or its caller
 * mends, and says so again with each attempt. What matters reaches the callers as errors, and the log from there.
 */
function bridge(log: Logger, level: logLevel, namespace: string, entry: { message: string }): void {
  const { message, ...fields } = entry;
  const line = { kafkajs: namespace, ...fields, stack: undefined, logger: undefined, timestamp: undefined };
  if (level === logLevel.ERROR || level === logLevel.WARN) log.debug(line, message);
  else log.trace(line, message);
}
