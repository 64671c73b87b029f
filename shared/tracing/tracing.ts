/**
 * Spans for OpenTelemetry. They are joined by `traceparent` alone, which travels with a request, an operation, a row of
 * the outbox and a message; there is no ambient context, so nothing is traced by accident.
 */

/** Names and values are those of OpenTelemetry's semantic conventions where they have one. */
export type Attributes = Readonly<Record<string, string | number>>;

/** What a span is at the border of: OpenTelemetry's kinds. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

export interface SpanOptions {
  readonly kind: SpanKind;
  /** What it is part of; without it the span begins a trace. */
  readonly parent?: string | undefined;
  /** Other traces that it did work for: one call of the database serves hundreds. */
  readonly links?: readonly string[];
  readonly attributes?: Attributes;
  /** When it began, if not now: milliseconds since 1970. */
  readonly startedAt_ms?: number;
}

export interface Span {
  /** For what is done under this span. */
  readonly traceparent: string;
  /** Ends it, as failed where a reason is given. The reason must hold no data of users. */
  end(attributes?: Attributes, failure?: string): void;
}

export interface Tracing {
  begin(name: string, options: SpanOptions): Span;
  /** Sends what has ended, at most this long. */
  stop(deadline_ms: number): Promise<void>;
}

export interface TracingOptions {
  /** `service.name`. */
  readonly service: string;
  /** Base address of a receiver of OTLP over HTTP; `/v1/traces` is added. */
  readonly endpoint: string;
  /** Share of traces begun here that are recorded, 0 to 1; for others the `traceparent` that came decides. */
  readonly ratio: number;
}

/** Undefined where no receiver is configured: then OpenTelemetry's code is not even loaded. */
export async function createTracing(
  service: string,
  otlp: Omit<TracingOptions, "service"> | null,
): Promise<Tracing | undefined> {
  if (otlp === null) return undefined;
  const { connectOtlp } = await import("./otlp.ts");
  return connectOtlp({ service, ...otlp });
}
