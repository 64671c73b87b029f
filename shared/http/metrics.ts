import { Elysia } from "elysia";
import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";
import { HIDDEN } from "./describe.ts";

/** Upper bounds in seconds: a group commit takes 1–20 ms, a `Prefer: wait` up to 30 s. */
const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of one server. Each app has its own registry, so that two of them in one process do not mix. */
export interface Metrics {
  /** Where a service registers metrics of its own. */
  readonly registry: Registry;
  /** Counts one answered request. `route` is the declared path (`/wallets/:id`), never the client's. */
  readonly countRequest: (method: string, route: string, status: number, seconds: number) => void;
}

/** Metrics with the process's own and those of HTTP. `service` labels every one of them. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "http_requests_total",
    help: "HTTP requests answered.",
    labelNames: ["method", "route", "status"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time from the arrival of a request to its response's headers.",
    labelNames: ["method", "route"],
    buckets: DURATION_BUCKETS_S,
    registers: [registry],
  });
  // Looking a child up by its labels sorts and joins them; on every request that would cost more than the counting.
  const counters = new Map<string, Counter.Internal>();
  const histograms = new Map<string, Histogram.Internal<"method" | "route">>();
  const countRequest: Metrics["countRequest"] = (method, route, status, seconds) => {
    const timer = `${method} ${route}`;
    const counter = `${timer} ${status}`;
    cached(counters, counter, () => requests.labels(method, route, String(status))).inc();
    cached(histograms, timer, () => durations.labels(method, route)).observe(seconds);
  };
  return { registry, countRequest };
}

function cached<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}

/** `GET /metrics`: Prometheus text. */
export function metricsPage({ registry }: Metrics) {
  return new Elysia().get(
    "/metrics",
    async () => new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } }),
    HIDDEN,
  );
}
