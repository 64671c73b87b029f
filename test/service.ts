import { join } from "node:path";
import { freePort } from "../dev/ports.ts";
import { record } from "../dev/processes.ts";
import { clusterFolder } from "./cluster.ts";
import { until } from "./until.ts";

/** A server of the system under test, as a real process. */
export interface RunningService {
  url: string;
  pid: number;
  /** Sends the signal (SIGTERM without one) and waits for the end; gives the exit code. */
  kill(signal?: NodeJS.Signals): Promise<number>;
  /** Resolves with the exit code, whatever ended it. */
  stopped: Promise<number>;
  /** What it has written so far, to both of its outputs. */
  output(): string;
}

const CHECKOUT = join(import.meta.dir, "..");
const START_TIMEOUT_MS = 30_000;

/**
 * Starts `wallet/main.ts` or `history/main.ts` on a free port with just these variables, and waits until it answers
 * `/health/live`. It ends with the test run at the latest: the process is noted in the run's folder.
 */
export async function spawnService(
  service: "wallet" | "history",
  env: Readonly<Record<string, string>>,
  runFolder?: string,
): Promise<RunningService> {
  const port = Number(env.PORT ?? (await freePort()));
  const folder = runFolder ?? (await clusterFolder());
  const child = Bun.spawn([process.execPath, "--no-env-file", `${service}/main.ts`], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), INVARIANTS_INTERVAL: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  record(join(folder, "services", `${child.pid}.json`), child.pid);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    void (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
    })();
  }
  const url = `http://127.0.0.1:${port}`;
  const live = until(async () => (await fetch(`${url}/health/live`)).ok, {
    timeout_ms: START_TIMEOUT_MS,
    what: `the ${service} service answers /health/live`,
  });
  const ended = child.exited.then((code) => {
    throw new Error(`The ${service} service ended with code ${code} before it was live`);
  });
  try {
    await Promise.race([live, ended]);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output}`, { cause: error });
  }
  ended.catch(() => undefined);
  return {
    url,
    pid: child.pid,
    kill: (signal = "SIGTERM") => {
      child.kill(signal);
      return child.exited;
    },
    stopped: child.exited,
    output: () => output,
  };
}
