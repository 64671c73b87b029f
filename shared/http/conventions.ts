import type { AnyElysia } from "elysia";
import type { Logger } from "pino";
import type { Tracing } from "../tracing/tracing.ts";
import { readJson } from "./body.ts";
import { createEdge } from "./edge.ts";
import type { Guard } from "./guard.ts";
import type { Metrics } from "./metrics.ts";
import { answerError } from "./refusals.ts";

/**
 * How every app is made: `new Elysia(ELYSIA_OPTIONS)`.
 * `normalize` would drop unknown body fields in silence; the system router would be a second one with rules of its own for
 * slashes, HEAD and percent-encoding; `standardHostname` takes a host of three letters for a part of the path.
 */
export const ELYSIA_OPTIONS = {
  normalize: false,
  systemRouter: false,
  handler: { standardHostname: false },
} as const;

/** What the conventions need of a service. */
export interface ConventionsOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Origins whose pages may call this server; none if left out. */
  readonly corsOrigins?: readonly string[];
  /** Who is let in, and how often; everyone and always if left out. */
  readonly guard?: Guard | undefined;
  readonly tracing?: Tracing | undefined;
  /** Whether nothing that changes something can be taken now: every POST is then `overloaded`, and not even read; never if left out. */
  readonly isFull?: (() => boolean) | undefined;
}

/**
 * Everything that holds for every request of a service, whatever its route: ids, errors, unknown parameters, body limits, 405, HEAD,
 * OPTIONS, CORS, API keys, rate limits, headers, metrics and the access log. Used first, on the app itself and not on a part of it.
 */
export function conventions(options: ConventionsOptions) {
  const { log, metrics, corsOrigins = [], guard, tracing, isFull = () => false } = options;
  return <App extends AnyElysia>(app: App): App => {
    if (app.config.normalize !== false || app.config.systemRouter !== false) {
      throw new Error("create the app with new Elysia(ELYSIA_OPTIONS)");
    }
    const edge = createEdge({
      routes: () => app.routes,
      peerOf: (request) => app.server?.requestIP(request)?.address ?? null,
      log,
      metrics,
      origins: new Set(corsOrigins),
      guard,
      tracing,
      isFull,
    });
    app
      .onParse(({ request, route }) => (edge.readsBody(request.method, route) ? readJson(request) : null))
      .onError(({ error, request, route }) => answerError(error, request, log, route))
      .onStart(() => edge.prepare())
      .wrap((handle) => edge.around(handle));
    return app;
  };
}
