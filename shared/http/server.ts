import type { AnyElysia } from "elysia";
import type { Logger } from "pino";

/** Where a server listens. Port 0 takes a free one. */
export interface ListenOptions {
  readonly port: number;
  readonly hostname: string;
  readonly log: Logger;
}

/** A server that is up. */
export interface RunningServer {
  readonly port: number;
  readonly url: string;
  /** Takes no new connection, lets running requests end (at most {@link STOP_TIMEOUT_MS}), then closes what is left. */
  readonly stop: () => Promise<void>;
}

/** Long enough for every answer that is under way but a `Prefer: wait`, whose client comes again. */
const STOP_TIMEOUT_MS = 5000;

/** Seconds without a byte after which a connection is closed. Routes that wait longer raise it for their request. */
const IDLE_TIMEOUT_S = 30;

/**
 * No limit of Bun's: it would answer 413 by itself, without a problem body and a Request-Id. The conventions refuse a body by its
 * announced length, or while reading it, and close the connection.
 */
const BUN_BODY_MAX_BYTES = Number.MAX_SAFE_INTEGER;

/** Starts to listen. @throws Error of one line where the port cannot be had */
export function listen(app: AnyElysia, { port, hostname, log }: ListenOptions): RunningServer {
  try {
    app.listen({
      port,
      hostname,
      // With it a forgotten server on the same port would take a share of the requests.
      reusePort: false,
      maxRequestBodySize: BUN_BODY_MAX_BYTES,
      idleTimeout: IDLE_TIMEOUT_S,
      // Bun's error pages show source code.
      development: false,
    });
  } catch (error) {
    // Not the port, then, but a check that runs once it is open.
    if (app.server) {
      void app.server.stop(true);
      throw error;
    }
    throw new Error(`cannot listen on ${hostname}:${port}: ${reasonOf(error)}`, { cause: error });
  }
  const { server } = app;
  if (!server || server.port === undefined) throw new Error(`cannot listen on ${hostname}:${port}`);
  const url = `http://${hostname === "0.0.0.0" ? "localhost" : hostname}:${server.port}`;
  log.info({ url }, "listening");
  return { port: server.port, url, stop: () => stop(app, log) };
}

async function stop(app: AnyElysia, log: Logger): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(resolve, STOP_TIMEOUT_MS, "late");
  const outcome = await Promise.race([app.server?.stop(false), late]);
  clearTimeout(timer);
  if (outcome === "late") {
    log.warn("requests were still running at the end of the time to stop");
    await app.server?.stop(true);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "EADDRINUSE" ? "another process listens there" : error.message;
}
