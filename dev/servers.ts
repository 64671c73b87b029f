import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Part } from "./parts.ts";
import { record } from "./processes.ts";
import { SetupError, seeLog } from "./setup-error.ts";
import { serviceRecord } from "./takeover.ts";

export interface ServerOptions {
  service: "wallet" | "history";
  checkout: string;
  data: string;
  port: number;
  env: Readonly<Record<string, string | undefined>>;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 25;
/** A server lets running requests end before it stops; what takes longer is cut off. */
const STOP_MS = 15_000;
const KILL_MS = 5_000;

/** Starts a server as a process of its own and resolves when it says that it and all it needs are well. */
export async function startServer({ service, checkout, data, port, env }: ServerOptions): Promise<Part> {
  const logFile = join(data, `${service}.log`);
  const output = openSync(logFile, "a");
  const from = Bun.file(logFile).size;
  const child = Bun.spawn([process.execPath, `${service}/main.ts`], {
    cwd: checkout,
    // Bun warns of a timer of kafkajs that is a little late by design.
    env: { ...env, PORT: String(port), NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", output, output],
    // In a session of its own, so that Ctrl-C in the terminal reaches the one that started it, which stops it in order.
    detached: true,
  });
  closeSync(output);
  record(serviceRecord(data, service), child.pid);
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isWell(port))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > deadline) {
      child.kill("SIGKILL");
      const lines = (await Bun.file(logFile).slice(from).text()).trim().split("\n");
      const how = ended ? "ended at once" : `was not well within ${START_TIMEOUT_MS / 1000} s`;
      throw new SetupError(`The ${service} server ${how}: ${lines.at(-1)} (${seeLog(logFile)})`);
    }
    await Bun.sleep(POLL_MS);
  }
  return {
    exited: child.exited,
    stop: async () => {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await Promise.race([child.exited, Bun.sleep(STOP_MS + KILL_MS)]);
      clearTimeout(killer);
    },
  };
}

async function isWell(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    const health: unknown = await answer.json();
    return typeof health === "object" && health !== null && "status" in health && health.status === "ok";
  } catch {
    return false;
  }
}
