import type { OutgoingMessage } from "../cloudevents.ts";
import type { ConsumerOptions } from "../consumer.ts";
import type { Producer } from "../kafka.ts";
import { parseTraceparent, TRACEPARENT_HEADER } from "../traceparent.ts";
import type { Span, Tracing } from "./tracing.ts";

/** Spans around what goes to a topic and what comes from it. Messages without a `traceparent` belong to no trace and cost nothing. */

const SYSTEM = { "messaging.system": "kafka" };

/**
 * Each event's wait in the outbox and its way to the acknowledgement, as two spans of the trace that its request began.
 * What it causes on the other side goes on under the second.
 */
export function tracedProducer(producer: Producer, tracing: Tracing): Producer {
  return {
    async send(topic, messages, deadline_ms) {
      const spans: Span[] = [];
      const traced = messages.map((message) => traceMessage(message, topic, tracing, spans));
      try {
        await producer.send(topic, traced, deadline_ms);
      } catch (error) {
        for (const span of spans) span.end({}, error instanceof Error ? error.name : "unknown");
        throw error;
      }
      for (const span of spans) span.end({ "messaging.batch.message_count": messages.length });
    },
    get usable() {
      return producer.usable;
    },
    close: () => producer.close(),
  };
}

function traceMessage(message: OutgoingMessage, topic: string, tracing: Tracing, spans: Span[]): OutgoingMessage {
  const parent = parseTraceparent(message.headers[TRACEPARENT_HEADER]);
  if (parent === undefined) return message;
  const { ce_id: id = "", ce_type: type = "", ce_time: time = "" } = message.headers;
  const attributes = { ...SYSTEM, "messaging.destination.name": topic, "messaging.message.id": id, "event.name": type };
  const occurredAt_ms = Date.parse(time);
  if (Number.isFinite(occurredAt_ms)) {
    tracing.begin("wait in outbox", { kind: "internal", parent, attributes, startedAt_ms: occurredAt_ms }).end();
  }
  const span = tracing.begin(`send ${topic}`, { kind: "producer", parent, attributes });
  spans.push(span);
  return { ...message, headers: { ...message.headers, [TRACEPARENT_HEADER]: span.traceparent } };
}

/** Each message's being applied, from the arrival of its batch until the batch is stored. */
export function tracedHandle(
  handle: ConsumerOptions["handle"],
  group: string,
  tracing: Tracing,
): ConsumerOptions["handle"] {
  return async (messages, batch) => {
    const spans: Span[] = [];
    const traced = messages.map((message) => {
      const parent = parseTraceparent(message.headers[TRACEPARENT_HEADER]);
      if (parent === undefined) return message;
      const span = tracing.begin(`process ${message.topic}`, {
        kind: "consumer",
        parent,
        attributes: {
          ...SYSTEM,
          "messaging.destination.name": message.topic,
          "messaging.destination.partition.id": String(message.partition),
          "messaging.kafka.offset": message.offset,
          "messaging.consumer.group.name": group,
          "messaging.batch.message_count": messages.length,
        },
      });
      spans.push(span);
      return { ...message, headers: { ...message.headers, [TRACEPARENT_HEADER]: span.traceparent } };
    });
    try {
      await handle(traced, batch);
    } catch (error) {
      for (const span of spans) span.end({}, error instanceof Error ? error.name : "unknown");
      throw error;
    }
    for (const span of spans) span.end();
  };
}
