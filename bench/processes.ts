/** The processes of a measurement: servers with their output in a file, and generators of load; none is left behind. */
import { closeSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../dev/ports.ts";
import { end, forget, identify, record, recorded } from "../dev/processes.ts";
import { SetupError, seeLog } from "../dev/setup-error.ts";
import type { Watched } from "./usage.ts";

export interface ServerOptions {
  /** What the report calls it. */
  readonly name: string;
  /** The file and its arguments, from the checkout's root. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it is at work, asked until it says so. */
  readonly isReady: (url: string) => Promise<boolean>;
}

export interface Server extends Watched {
  readonly url: string;
  /** Milliseconds from the start of the process until it was at work. */
  readonly started_ms: number;
  stop(): Promise<void>;
}

const CHECKOUT = join(import.meta.dir, "..");
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
const MICROSECONDS = 1e6;
/** A server that stops in order lets its last requests end. */
const STOP = [
  { signal: "SIGTERM", wait_ms: 15_000 },
  { signal: "SIGKILL", wait_ms: 5_000 },
] as const;

/** What a process that ends by itself has left. */
export interface Ended {
  readonly output: string;
  readonly errors: string;
  readonly code: number;
  /** CPU seconds, user and system. */
  readonly cpu_s: number;
}

export class Processes {
  readonly #servers = new Set<Server>();
  readonly #others = new Set<Bun.Subprocess>();
  #number = 0;
  #closed = false;

  /** The folder takes their output, and notes which of them run. */
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  /** Whether nothing is started any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Starts a server on a free port, as a user would in production, and resolves when it is at work. */
  async start({ name, command, env, isReady }: ServerOptions): Promise<Server> {
    const port = await freePort();
    if (this.#closed) throw new SetupError("It is being stopped");
    this.#number += 1;
    const base = join(this.folder, `${this.#number}-${name.replaceAll(/\W+/g, "-")}`);
    const output = openSync(`${base}.log`, "a");
    const began = performance.now();
    const child = Bun.spawn([process.execPath, "--no-env-file", ...command], {
      cwd: CHECKOUT,
      env: {
        ...inherited(),
        NODE_ENV: "production",
        LOG_LEVEL: "warn",
        NODE_NO_WARNINGS: "1",
        PORT: String(port),
        ...env,
      },
      stdio: ["ignore", output, output],
      // In a session of its own, so that Ctrl-C in the terminal reaches the measurement, which stops it in order.
      detached: true,
    });
    closeSync(output);
    record(`${base}.json`, child.pid);
    const url = `http://127.0.0.1:${port}`;
    let started_ms = 0;
    const server: Server = {
      name,
      pid: child.pid,
      url,
      get started_ms() {
        return started_ms;
      },
      stop: async () => {
        this.#servers.delete(server);
        const identity = identify(child.pid);
        if (identity !== null) await end(identity, STOP);
        forget(`${base}.json`);
      },
    };
    this.#servers.add(server);
    try {
      await ready(child, () => isReady(url), `${base}.log`);
      started_ms = performance.now() - began;
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Runs a command from the checkout's root to its end. */
  async run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    if (this.#closed) throw new SetupError("It is being stopped");
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const child = Bun.spawn([...command], { cwd: CHECKOUT, env: { ...inherited(), ...env }, stdio: [...stdio] });
    this.#others.add(child);
    const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    this.#others.delete(child);
    return { output, errors, code, cpu_s: Number(child.resourceUsage()?.cpuTime.total ?? 0) / MICROSECONDS };
  }

  /** Stops all servers that still run, the last first. */
  async stop(): Promise<void> {
    for (const server of [...this.#servers].toReversed()) await server.stop();
  }

  /** Stops everything; nothing is started any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#others) child.kill("SIGKILL");
    await Promise.all([...this.#others].map((child) => child.exited));
    await this.stop();
  }
}

/** Ends what a measurement that was killed has left running. */
export async function endLeftovers(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const left = name.endsWith(".json") ? recorded(join(folder, name)) : null;
    if (left !== null) await end(left, STOP);
  }
}

async function ready(child: Bun.Subprocess, isReady: () => Promise<boolean>, log: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isReady().catch(() => false))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > deadline) {
      const last = (await Bun.file(log).text()).trim().split("\n").at(-1) ?? "";
      throw new SetupError(`A server of the measurement did not start: ${last} (${seeLog(log)})`);
    }
    await Bun.sleep(POLL_MS);
  }
}

/** What a process needs to run at all; settings of the caller's shell are not part of a measurement. */
function inherited(): Record<string, string> {
  const { PATH, HOME } = process.env;
  return { ...(PATH !== undefined && { PATH }), ...(HOME !== undefined && { HOME }) };
}
