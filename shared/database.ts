import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { parseDatabaseAddress } from "./database-address.ts";
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
/**
 * A transaction that is left open between two statements holds its locks and its snapshot for nobody. The commands of an operator may:
 * a check lends other sessions its snapshot, a rebuild holds the writers back while it catches up.
 */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** How long the server goes on sending to a client that acknowledges nothing, before its session ends. */
export const UNACKNOWLEDGED_TIMEOUT_MS = 30_000;
/** After so much quiet the server asks whether the client is still there; two hours is the system's own patience. */
export const SERVER_KEEP_ALIVE_S = 30;
/** What an answer may take beyond the statement_timeout that ends its statement. */
const SILENCE_GRACE_MS = 1_000;
/** A connection attempt that takes longer is given up and tried again; one to a server with TLS may take it twice. */
const CONNECT_TIMEOUT_S = 5;
/** Between two attempts, at most: the database's return is noticed within a second. */
const MOST_CONNECT_BACKOFF_S = 1;
const FIRST_CONNECT_BACKOFF_S = 0.05;
const MS_PER_S = 1_000;
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

/**
 * The address for postgres.js, and its sockets: encrypted as the address says, and watched while a silence would mean that the
 * server is lost. For what sets up its sessions by itself; all others use {@link connectFunctions} or {@link connectReads}.
 *
 * @throws Error where the address is not usable, without repeating it
 */
export function reach(url: string, silence_ms?: number) {
  const address = parseDatabaseAddress(url);
  if (!address.ok) throw new Error(`The database's address is not ${address.expected}`);
  const { tls } = address.value;
  const socket = watchedSockets({ silence_ms, tls, connect_ms: CONNECT_TIMEOUT_S * MS_PER_S });
  return { address: address.value.url, options: { ssl: false, socket, connect_timeout: CONNECT_TIMEOUT_S } } as const;
}

function connect(url: string, options: ConnectOptions): Sql {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  // Every statement has been answered by then, if only by its time-out; 0 means that it may take any time.
  const silence_ms = statementTimeoutMs > 0 ? statementTimeoutMs + SILENCE_GRACE_MS : undefined;
  const { address, options: sockets } = reach(url, silence_ms);
  return postgres(address, {
    ...sockets,
    max: options.max,
    max_lifetime: MAX_LIFETIME_S,
    backoff: (retries: number) => Math.min(FIRST_CONNECT_BACKOFF_S * 2 ** retries, MOST_CONNECT_BACKOFF_S),
    // Notices are written for a person at a terminal; a server's log is no place for them.
    onnotice: () => undefined,
    connection: {
      application_name: `${options.service}:${options.purpose}`,
      ...(options.asOwner === true ? {} : { role: `${options.service}_app` }),
      search_path: options.schema ?? options.service,
      statement_timeout: statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: options.asOwner === true ? 0 : IDLE_IN_TRANSACTION_TIMEOUT_MS,
      client_connection_check_interval: CLIENT_CHECK_INTERVAL_MS,
      tcp_keepalives_idle: SERVER_KEEP_ALIVE_S,
      tcp_user_timeout: UNACKNOWLEDGED_TIMEOUT_MS,
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
