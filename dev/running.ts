/** Where the running system is: for commands that are started beside it and were not told. */
import { join } from "node:path";
import type { CheckedDatabases } from "../sql/check.ts";
import { runningPostgresUrl } from "./postgres.ts";
import { SetupError, START } from "./setup-error.ts";

export interface RunningSystem {
  /** Addresses without a slash at their end. */
  readonly wallet: string;
  readonly history: string;
  /** Null where the databases are not known. */
  readonly databases: CheckedDatabases | null;
  /** Of requests to both: the API key, where they ask for one. */
  readonly headers: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The database that `bun start` makes in the server that it brings along. */
const DATABASE = "wallet";
const PROBE_TIMEOUT_MS = 3_000;
/** A server answers before its database has let it in. */
const STARTING_MS = 10_000;
const POLL_MS = 100;

/** What the environment says, else what `bun start` runs with its data in the folder. */
export function findSystem(data: string, env: Environment): RunningSystem {
  return {
    wallet: addressOf(env.WALLET_URL, env.WALLET_PORT, 3000),
    history: addressOf(env.HISTORY_URL, env.HISTORY_PORT, 3001),
    databases: findDatabases(data, env),
    headers: env.API_KEY ? { authorization: `Bearer ${env.API_KEY}` } : {},
  };
}

/** Throws SetupError, with what to do, unless both servers answer and are, or soon become, well enough to work. */
export async function requireRunning(system: RunningSystem): Promise<void> {
  for (const service of ["wallet", "history"] as const) {
    const fault = await lastingFault(system[service]);
    if (fault === null) continue;
    throw new SetupError(
      `The ${service} service at ${system[service]} ${fault}: start the system with \`${START}\` in another terminal, or say where it is with ${service.toUpperCase()}_URL`,
    );
  }
}

/** What is wrong, once a server that answers has had the time to find its database. */
async function lastingFault(address: string): Promise<string | null> {
  const deadline = performance.now() + STARTING_MS;
  for (;;) {
    const status = await healthStatus(address);
    if (status === null) return "does not answer";
    if (status === 200) return null;
    if (performance.now() > deadline) return `says that it is not well (${status})`;
    await Bun.sleep(POLL_MS);
  }
}

async function healthStatus(address: string): Promise<number | null> {
  try {
    return (await fetch(`${address}/health`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })).status;
  } catch {
    return null;
  }
}

function addressOf(url: string | undefined, port: string | undefined, usual: number): string {
  return url ? url.replace(/\/+$/, "") : `http://localhost:${port || usual}`;
}

function findDatabases(data: string, env: Environment): CheckedDatabases | null {
  const wallet = env.WALLET_DATABASE_URL || env.DATABASE_URL;
  const history = env.HISTORY_DATABASE_URL || env.DATABASE_URL;
  if (wallet && history) return { wallet, history };
  // Servers somewhere else do not use the database in this folder.
  if (env.WALLET_URL || env.HISTORY_URL) return null;
  const brought = runningPostgresUrl(join(data, "postgres"));
  if (brought === null) return null;
  const url = new URL(brought);
  url.pathname = `/${DATABASE}`;
  return { wallet: url.href, history: url.href };
}
