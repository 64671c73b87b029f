/** The folder of one test run: its servers' data, and the note of who keeps them. Imports nothing that has to be installed. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { end, record, recorded } from "../dev/processes.ts";

export const ALL_RUNS = join(import.meta.dir, "../.data/test");
const STOP_TIMEOUT_MS = 20_000;
const KILL_MS = 5_000;

/** Makes a folder whose servers end with this process, whatever ends it. */
export function newRunFolder(): string {
  const folder = join(ALL_RUNS, `${process.pid}-${crypto.randomUUID().slice(0, 8)}`);
  mkdirSync(folder, { recursive: true });
  record(join(folder, "run.json"), process.pid);
  return folder;
}

/** Ends the servers of the run, if any were started, and waits for it. */
export async function endServers(folder: string): Promise<void> {
  const keeper = recorded(join(folder, "keeper.json"));
  if (keeper !== null) await end(keeper, [{ signal: "SIGTERM", wait_ms: STOP_TIMEOUT_MS }]);
}

/** Ends the services that are noted in the folder of a run. */
export async function endServices(folder: string): Promise<void> {
  const notes = join(folder, "services");
  const names = existsSync(notes) ? readdirSync(notes) : [];
  const running = names.flatMap((name) => recorded(join(notes, name)) ?? []);
  await Promise.all(running.map((service) => end(service, [{ signal: "SIGKILL", wait_ms: KILL_MS }])));
}
