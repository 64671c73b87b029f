/** A receiver of OTLP over HTTP, as much of it as a test reads: `ExportTraceServiceRequest` in its JSON encoding. */

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startedAt_ms: number;
  readonly endedAt_ms: number;
  readonly failed: boolean;
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Receiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  stop(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly status: { readonly code?: number };
        readonly links?: readonly { readonly traceId: string }[];
        readonly attributes: readonly Attribute[];
      }[];
    }[];
  }[];
}

const NANOSECONDS_PER_MS = 1_000_000;
/** `STATUS_CODE_ERROR`. */
const ERROR = 2;

export function startReceiver(): Receiver {
  const spans: ReceivedSpan[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/v1/traces": {
        async POST(request) {
          const told: Export = JSON.parse(await request.text());
          spans.push(...told.resourceSpans.flatMap(spansOf));
          return Response.json({ partialSuccess: {} });
        },
      },
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, spans, stop: () => server.stop(true) };
}

function spansOf({ resource, scopeSpans }: Export["resourceSpans"][number]): ReceivedSpan[] {
  const service = String(valuesOf(resource.attributes)["service.name"]);
  return scopeSpans
    .flatMap(({ spans }) => spans)
    .map((span) => ({
      service,
      name: span.name,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId || undefined,
      startedAt_ms: Number(span.startTimeUnixNano) / NANOSECONDS_PER_MS,
      endedAt_ms: Number(span.endTimeUnixNano) / NANOSECONDS_PER_MS,
      failed: span.status.code === ERROR,
      links: (span.links ?? []).map(({ traceId }) => traceId),
      attributes: valuesOf(span.attributes),
    }));
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
