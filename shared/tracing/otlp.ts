import {
  type Context,
  SpanKind as Kind,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { withDeadline } from "../deadline.ts";
import { parseTraceparent } from "../traceparent.ts";
import type { Span, SpanKind, Tracing, TracingOptions } from "./tracing.ts";

/** Spans to a receiver of OTLP over HTTP (JSON), in the background. Loaded only where one is configured. */

/** Spans that wait to be sent; beyond it new ones are dropped, and the service goes on. Some 10 MB. */
const QUEUE_SPANS = 16_384;
/** Spans of one request: a receiver's usual limit is 4 MB. */
const SEND_SPANS = 2_048;
/** From a span's end to its being sent, as a rule. */
const SEND_EVERY_MS = 1_000;
/** A receiver that takes longer loses these spans. */
const SEND_DEADLINE_MS = 5_000;

const KINDS: Record<SpanKind, Kind> = {
  internal: Kind.INTERNAL,
  server: Kind.SERVER,
  client: Kind.CLIENT,
  producer: Kind.PRODUCER,
  consumer: Kind.CONSUMER,
};

export function connectOtlp({ service, endpoint, ratio }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: SEND_DEADLINE_MS });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": service, "service.instance.id": `${process.pid}` }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: QUEUE_SPANS,
        maxExportBatchSize: SEND_SPANS,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_DEADLINE_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("digital-wallet");
  return {
    begin(name, { kind, parent, links = [], attributes = {}, startedAt_ms }): Span {
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          attributes: { ...attributes },
          links: links.flatMap((link) => contextOf(link) ?? []).map((context) => ({ context })),
          ...(startedAt_ms !== undefined && { startTime: startedAt_ms }),
        },
        under(parent),
      );
      return {
        traceparent: textOf(span.spanContext()),
        end(more, failure) {
          if (more) span.setAttributes({ ...more });
          if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          span.end();
        },
      };
    },
    // A receiver that is away must not hold up the end of the process; what it misses is lost.
    stop: (deadline_ms) =>
      withDeadline(provider.shutdown(), deadline_ms, "sending the last spans").catch(() => undefined),
  };
}

function under(parent: string | undefined): Context {
  const context = contextOf(parent);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
}

/** `00-<trace>-<span>-<flags>`, as W3C Trace Context §3.2 writes it. */
function contextOf(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = parseTraceparent(text)?.split("-") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function textOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
