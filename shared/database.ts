import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { watchedSockets } from "./watched-socket.ts";

/**
 * Connections to PostgreSQL. A service has two pools: one for its SQL functions, one for Drizzle's reads, because
 * `drizzle(client)` rewrites its client's parsers.
 *
 * Every connection takes on its service's role when it starts, so that a login with more rights does not lend them to a
 * request, and carries its time-outs as server settings, so that they hold even if this process stalls.
 */

/** A statement that takes longer than this is ended by the server; the design's bound for one call of the money function. */
export const STATEMENT_TIMEOUT_MS = 5_000;
/** A wait for a row lock that takes longer is ended: another call is stuck, and the caller is told that nothing happened. */
export const LOCK_TIMEOUT_MS = 2_000;
/** How often the server looks whether the client of a running statement is still there. */
export const CLIENT_CHECK_INTERVAL_MS = 1_000;
/** What an answer may take beyond the statement_timeout that ends its statement. */
const SILENCE_GRACE_MS = 1_000;
/** A connection attempt that takes longer is given up and tried again. */
const CONNECT_TIMEOUT_S = 5;
/** Connections are renewed now and then, so that a moved server or a changed role reaches a long-lived pool. */
const MAX_LIFETIME_S = 30 * 60;

export type Sql = postgres.Sql;
export type Service = "wallet" | "history";

export interface ConnectOptions {
  /** Whose role and schema: `wallet` connects as `wallet_app`. */
  readonly service: Service;
  /** Shown in `pg_stat_activity`, so that an operator can tell the pools apart. */
  readonly purpose: string;
  /** Connections at most. */
  readonly max: number;
  /** Connect with the login's own rights; only the commands of an operator do. */
  readonly asOwner?: boolean;
  /** Another schema than the service's: the tables that a rebuild fills. */
  readonly schema?: string;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

function connect(url: string, options: ConnectOptions): Sql {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  return postgres(url, {
    // Every statement has been answered by then, if only by its time-out; 0 means that it may take any time.
    ...(statementTimeoutMs > 0 && { socket: watchedSockets(statementTimeoutMs + SILENCE_GRACE_MS) }),
    max: options.max,
    connect_timeout: CONNECT_TIMEOUT_S,
    max_lifetime: MAX_LIFETIME_S,
    backoff: (retries: number) => Math.min(0.05 * 2 ** retries, 1),
    // Notices are written for a person at a terminal; a server's log is no place for them.
    onnotice: () => undefined,
    connection: {
      application_name: `${options.service}:${options.purpose}`,
      ...(options.asOwner === true ? {} : { role: `${options.service}_app` }),
      search_path: options.schema ?? options.service,
      statement_timeout: statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS,
      client_connection_check_interval: CLIENT_CHECK_INTERVAL_MS,
    },
  });
}

/** A pool for calls of SQL functions. */
export function connectFunctions(url: string, options: ConnectOptions): Sql {
  return connect(url, options);
}

/** A pool for Drizzle's reads, with the tables of a schema package. */
export function connectReads<Schema extends Record<string, unknown>>(
  url: string,
  options: ConnectOptions,
  schema: Schema,
): { readonly sql: Sql; readonly db: PostgresJsDatabase<Schema> } {
  const sql = connect(url, options);
  return { sql, db: drizzle(sql, { schema }) };
}
