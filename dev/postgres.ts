/** The embedded PostgreSQL 18 of a checkout: real server programs, data that survives, one folder for everything. */
import { chownSync, closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writableFolder } from "./folder.ts";
import { freePort, isPortFree, keptPort } from "./ports.ts";
import { callAs, nativeFolder, type ServerCommand, serverUser } from "./postgres-files.ts";
import { commandOf, end, identify } from "./processes.ts";
import { SetupError, seeLog } from "./setup-error.ts";

export interface PostgresOptions {
  /** Folder of the data, the log, the password and the kept port; made if it is missing. */
  dataDir: string;
  /** A fixed port; without one, a free port is taken and kept in the folder. */
  port?: number;
  /** Told what happens, in words. */
  log?: (line: string) => void;
  /** Settings over the defaults, such as `{ max_connections: "300" }`. */
  settings?: Readonly<Record<string, string>>;
  /** Data that is thrown away soon: its creation (not its commits) need not reach the disk. */
  temporary?: boolean;
  /** Variables of the server's processes, beside those of this one. */
  env?: Readonly<Record<string, string>>;
}

export interface RunningPostgres {
  /** Address of the database `postgres`, as its owner. */
  url: string;
  port: number;
  pid: number;
  /** Resolves with the exit code when the server has ended, for whatever reason. */
  exited: Promise<number>;
  /** `fast` ends sessions and writes everything out; `immediate` stops as in a crash and leaves recovery to the next start. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** SIGKILL, as the kernel would send it. */
  kill(): Promise<void>;
}

/** A start on data of normal size takes about a second; recovery after a crash may take longer. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** How often a start is tried again on another port, when somebody took the free one first. */
const PORT_TRIES = 5;
const FAST_STOP_MS = 20_000;
const IMMEDIATE_STOP_MS = 5_000;

const OWNER = "postgres";

/** Starts the server, making its data folder at the first start, and resolves when it accepts connections. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const folder = resolve(options.dataDir);
  const pgdata = join(folder, "data");
  const log = options.log ?? (() => undefined);
  writableFolder(folder);
  await endLeftoverPostgres(folder, log);
  const native = nativeFolder();
  const user = serverUser(pgdata);
  const call = callAs(user, native, folder);
  const password = passwordOf(folder, user?.uid ?? null);
  if (!existsSync(pgdata)) await initialise(folder, call("initdb"), options.temporary ?? false, user);

  const deadline = performance.now() + START_TIMEOUT_MS;
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port, folder);
    const started = await launch(call("postgres"), {
      folder,
      pgdata,
      port,
      settings: options.settings ?? {},
      env: options.env ?? {},
      deadline,
    });
    if (started.ok) return running(started.child, port, password);
    const portTaken = /could not bind|Address already in use/.test(started.output);
    // After a kill -9 the old sessions need a moment to notice that their server is gone.
    const stillEnding = /pre-existing shared memory block|lock file .* already exists/.test(started.output);
    if (stillEnding && performance.now() < deadline) await Bun.sleep(POLL_MS * 5);
    else if (!(portTaken && options.port === undefined && attempt < PORT_TRIES))
      throw startFailure(started.output, folder);
  }
}

async function choosePort(fixed: number | undefined, folder: string): Promise<number> {
  if (fixed === undefined) return keptPort(join(folder, "port"));
  if (await isPortFree(fixed)) return fixed;
  throw new SetupError(
    `Port ${fixed}, asked for PostgreSQL, is in use: end what \`ss -ltnp "sport = :${fixed}"\` names, or choose another (free now: ${await freePort()})`,
  );
}

/** Ends the server that an earlier, suddenly killed start has left on this folder. */
export async function endLeftoverPostgres(dataDir: string, log: (line: string) => void): Promise<void> {
  const pgdata = join(resolve(dataDir), "data");
  const file = join(pgdata, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  const identity = Number.isInteger(pid) && pid > 0 ? identify(pid) : null;
  // The id may have passed to a stranger since; only a server on this very folder is ours to end.
  if (identity === null || !commandOf(pid).includes(pgdata)) return;
  log(`ending the PostgreSQL (process ${pid}) that an earlier start left behind`);
  const gone = await end(identity, [
    { signal: "SIGINT", wait_ms: FAST_STOP_MS },
    { signal: "SIGQUIT", wait_ms: IMMEDIATE_STOP_MS },
    { signal: "SIGKILL", wait_ms: IMMEDIATE_STOP_MS },
  ]);
  if (!gone)
    throw new SetupError(`An earlier PostgreSQL (process ${pid}) does not end: end it with \`kill -9 ${pid}\``);
}

function passwordOf(folder: string, uid: number | null): string {
  const file = join(folder, "password");
  if (!existsSync(file)) {
    writeFileSync(file, Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString("base64url"), { mode: 0o600 });
  }
  if (uid !== null) chownSync(file, uid, -1);
  return readFileSync(file, "utf8").trim();
}

async function initialise(
  folder: string,
  { command, options }: ServerCommand,
  temporary: boolean,
  user: { uid: number; gid: number } | null,
): Promise<void> {
  if (user !== null) chownSync(folder, user.uid, user.gid);
  // Made under another name first, so that a folder half made by a killed start is never taken for a database.
  const unfinished = join(folder, "data.unfinished");
  rmSync(unfinished, { recursive: true, force: true });
  const made = Bun.spawn(
    [
      ...command,
      `--pgdata=${unfinished}`,
      `--username=${OWNER}`,
      `--pwfile=${join(folder, "password")}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      ...(temporary ? ["--no-sync"] : []),
    ],
    { ...options, cwd: "/", stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [errors, code] = await Promise.all([made.stderr.text(), made.exited, made.stdout.text()]);
  if (code !== 0) throw new SetupError(`PostgreSQL could not make its data folder ${folder}: ${lastLine(errors)}`);
  renameSync(unfinished, join(folder, "data"));
}

interface Launch {
  folder: string;
  pgdata: string;
  port: number;
  settings: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string>>;
  deadline: number;
}

type Started = { ok: true; child: Bun.Subprocess } | { ok: false; output: string };

async function launch({ command, options }: ServerCommand, how: Launch): Promise<Started> {
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(how.port),
    unix_socket_directories: "",
    max_connections: "100",
    // With the 128 MB of the default, a transfer soon pays for writing out somebody else's page: a tenth of its time.
    // The memory is taken as it is used.
    shared_buffers: "512MB",
    // Under load the default of 1 GB means a checkpoint every few seconds, and after each the images of all pages again.
    max_wal_size: "4GB",
    log_line_prefix: "%m [%p] ",
    ...how.settings,
  };
  const logFile = join(how.folder, "postgres.log");
  const output = openSync(logFile, "a");
  const from = Bun.file(logFile).size;
  const child = Bun.spawn(
    [...command, "-D", how.pgdata, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    // In a session of its own, so that Ctrl-C in the terminal reaches the one that started it, which stops it in order.
    { ...options, env: { ...process.env, ...how.env }, cwd: "/", stdio: ["ignore", output, output], detached: true },
  );
  closeSync(output);
  while (child.exitCode === null && child.signalCode === null && performance.now() < how.deadline) {
    if (isReady(how.pgdata, child.pid)) return { ok: true, child };
    await Bun.sleep(POLL_MS);
  }
  child.kill("SIGKILL");
  await child.exited;
  return { ok: false, output: await Bun.file(logFile).slice(from).text() };
}

/** The server writes `ready` into the eighth line of its lock file once it accepts connections, as `pg_ctl -w` reads it. */
function isReady(pgdata: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(pgdata, "postmaster.pid"), "utf8").split("\n");
    return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
  } catch {
    return false;
  }
}

function running(child: Bun.Subprocess, port: number, password: string): RunningPostgres {
  const stopWith = async (signals: readonly { signal: NodeJS.Signals; wait_ms: number }[]) => {
    for (const { signal, wait_ms } of signals) {
      child.kill(signal);
      if (await Promise.race([child.exited.then(() => true), Bun.sleep(wait_ms).then(() => false)])) return;
    }
  };
  const immediate = [
    { signal: "SIGQUIT", wait_ms: IMMEDIATE_STOP_MS },
    { signal: "SIGKILL", wait_ms: IMMEDIATE_STOP_MS },
  ] as const;
  return {
    url: urlOf(port, password),
    port,
    pid: child.pid,
    exited: child.exited,
    stop: (mode = "fast") =>
      stopWith(mode === "fast" ? [{ signal: "SIGINT", wait_ms: FAST_STOP_MS }, ...immediate] : immediate),
    kill: () => stopWith([{ signal: "SIGKILL", wait_ms: IMMEDIATE_STOP_MS }]),
  };
}

/** Address of the database `postgres` of the server that now runs on the folder; null where none does, or not for us to know. */
export function runningPostgresUrl(dataDir: string): string | null {
  const folder = resolve(dataDir);
  try {
    const lines = readFileSync(join(folder, "data", "postmaster.pid"), "utf8").split("\n");
    const port = Number(lines[3]);
    if (identify(Number(lines[0])) === null || !Number.isInteger(port)) return null;
    return urlOf(port, readFileSync(join(folder, "password"), "utf8").trim());
  } catch {
    return null;
  }
}

function urlOf(port: number, password: string): string {
  return `postgres://${OWNER}:${password}@127.0.0.1:${port}/postgres`;
}

function startFailure(output: string, folder: string): SetupError {
  return new SetupError(`PostgreSQL did not start: ${lastLine(output)} (${seeLog(join(folder, "postgres.log"))})`);
}

function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return (
    lines.findLast((line) => /FATAL|PANIC|error/i.test(line)) ?? lines.findLast((line) => line !== "") ?? "no message"
  );
}
