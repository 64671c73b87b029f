/** Where the running system is: for commands that are started beside it and were not told. */
import { join } from "node:path";
import type { CheckedDatabases } from "../sql/check.ts";
import { runningPostgresUrl } from "./postgres.ts";
import { SetupError } from "./setup-error.ts";

export interface RunningSystem {
  /** Addresses without a slash at their end. */
  readonly wallet: string;
  readonly history: string;
  /** Null where the databases are not known. */
  readonly databases: CheckedDatabases | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The database that `bun start` makes in the server that it brings along. */
const DATABASE = "wallet";
const PROBE_TIMEOUT_MS = 3_000;

/** What the environment says, else what `bun start` runs in this checkout. */
export function findSystem(checkout: string, env: Environment): RunningSystem {
  return {
    wallet: addressOf(env.WALLET_URL, env.WALLET_PORT, 3000),
    history: addressOf(env.HISTORY_URL, env.HISTORY_PORT, 3001),
    databases: findDatabases(checkout, env),
  };
}

/** Throws SetupError, with what to do, unless both servers answer and are well enough to work. */
export async function requireRunning(system: RunningSystem): Promise<void> {
  for (const service of ["wallet", "history"] as const) {
    const fault = await faultOf(system[service]);
    if (fault === null) continue;
    throw new SetupError(
      `The ${service} service at ${system[service]} ${fault}: start the system with \`bun start\` in another terminal, or say where it is with ${service.toUpperCase()}_URL`,
    );
  }
}

async function faultOf(address: string): Promise<string | null> {
  try {
    const answer = await fetch(`${address}/health`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return answer.ok ? null : `says that it is not well (${answer.status})`;
  } catch {
    return "does not answer";
  }
}

function addressOf(url: string | undefined, port: string | undefined, usual: number): string {
  return url ? url.replace(/\/+$/, "") : `http://localhost:${port || usual}`;
}

function findDatabases(checkout: string, env: Environment): CheckedDatabases | null {
  const wallet = env.WALLET_DATABASE_URL || env.DATABASE_URL;
  const history = env.HISTORY_DATABASE_URL || env.DATABASE_URL;
  if (wallet && history) return { wallet, history };
  // Servers somewhere else do not use the database of this checkout.
  if (env.WALLET_URL || env.HISTORY_URL) return null;
  const brought = runningPostgresUrl(join(checkout, ".data", "postgres"));
  if (brought === null) return null;
  const url = new URL(brought);
  url.pathname = `/${DATABASE}`;
  return { wallet: url.href, history: url.href };
}
