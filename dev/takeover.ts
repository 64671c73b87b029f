/** One `bun start` per checkout: what an earlier one has left behind is ended, one that works is not disturbed. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endLeftoverBroker } from "./broker.ts";
import { endLeftoverPostgres } from "./postgres.ts";
import { commandOf, end, identify, isRunning, type ProcessIdentity, parentOf, recorded } from "./processes.ts";
import { SetupError } from "./setup-error.ts";

/** A start that is ending stops two servers, a database and a broker, in this time at most. */
const END_MS = 60_000;
const KILL_MS = 5_000;
const LOOK_MS = 500;

interface Owner extends ProcessIdentity {
  /** The `npx` or `bun run` around it, with whose death it ends. */
  launcher: ProcessIdentity | null;
}

/** Where the servers of a running system are noted. */
export function serviceRecord(data: string, service: string): string {
  return join(data, `${service}.process.json`);
}

/** Makes this process the owner of the data folder. Throws SetupError if another one is at work in it. */
export async function takeOver(data: string, say: (line: string) => void): Promise<void> {
  const file = join(data, "start.json");
  const earlier = readOwner(file);
  if (earlier !== null && isRunning(earlier)) {
    const orphan = earlier.launcher !== null && !isRunning(earlier.launcher);
    if (!orphan) {
      throw new SetupError(
        `The system already runs from this folder (process ${earlier.pid}): use it as it is, or stop it with \`kill ${earlier.pid}\``,
      );
    }
    say(`ending an earlier start (process ${earlier.pid})`);
    await end(earlier, [
      { signal: "SIGTERM", wait_ms: END_MS },
      { signal: "SIGKILL", wait_ms: KILL_MS },
    ]);
  }
  const owner = { ...identify(process.pid), launcher: findLauncher() };
  writeFileSync(`${file}.new`, JSON.stringify(owner));
  renameSync(`${file}.new`, file);
  await endLeftovers(data, say);
}

/** Calls back once the process around this one is gone: `kill -9` of `npx` or `bun run` does not reach its child. */
export function whenLauncherEnds(callback: () => void): void {
  const launcher = findLauncher();
  if (launcher === null) return;
  const timer = setInterval(() => {
    if (isRunning(launcher)) return;
    clearInterval(timer);
    callback();
  }, LOOK_MS);
  timer.unref();
}

async function endLeftovers(data: string, say: (line: string) => void): Promise<void> {
  const services = ["wallet", "history"].map((service) => recorded(serviceRecord(data, service)));
  for (const service of services) {
    if (service === null) continue;
    say(`ending a server (process ${service.pid}) that an earlier start left behind`);
    await end(service, [{ signal: "SIGKILL", wait_ms: KILL_MS }]);
  }
  await Promise.all([endLeftoverPostgres(join(data, "postgres"), say), endLeftoverBroker(join(data, "kafka"), say)]);
}

/** The outermost of the processes around this one whose command ends in `start`: npx, its shell, `bun start`. */
function findLauncher(): ProcessIdentity | null {
  let launcher: ProcessIdentity | null = null;
  for (let pid = parentOf(process.pid); pid !== null && pid > 1; pid = parentOf(pid)) {
    if (!/(^|\s)start\s*$/.test(commandOf(pid).at(-1) ?? "")) break;
    launcher = identify(pid);
  }
  return launcher;
}

function readOwner(file: string): Owner | null {
  try {
    const owner: Partial<Owner> = JSON.parse(readFileSync(file, "utf8"));
    if (typeof owner.pid !== "number" || typeof owner.birth !== "string") return null;
    return { pid: owner.pid, birth: owner.birth, launcher: owner.launcher ?? null };
  } catch {
    return null;
  }
}
