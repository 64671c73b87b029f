/** A checkout as a stranger has it: just cloned, in a home without settings and caches, and what happens when it is started. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Addresses } from "./example.ts";
import { freePort } from "./ports.ts";
import { end, recorded } from "./processes.ts";
import { SetupError } from "./setup-error.ts";

export interface Fresh {
  readonly checkout: string;
  /** Environment of what runs there: an empty home, no cache, ports that are free. */
  readonly env: Readonly<Record<string, string>>;
  readonly addresses: Addresses;
  remove(): void;
}

/** All that a stranger's shell has, too: where programs are, which language is spoken, and how the network is reached. */
const KEPT = /^(PATH|LANG|LC_\w+|TERM|TMPDIR|JAVA_HOME|(https?|no|all)_proxy|\w+_CA_(BUNDLE|CERTS)|SSL_CERT_\w+)$/i;

/**
 * @param from the checkout that is cloned
 * @param workingTree with what is not committed yet: the same files, copied
 */
export async function freshCheckout(from: string, workingTree: boolean): Promise<Fresh> {
  // The short name of a temporary folder may be a link, which servers resolve and scripts do not.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "fresh-")));
  const [checkout, home] = [join(folder, "wallet"), join(folder, "home")];
  mkdirSync(home);
  if (workingTree) copyTracked(from, checkout);
  else git(["clone", "--quiet", from, checkout], folder);
  const ports = { WALLET_PORT: String(await freePort()), HISTORY_PORT: String(await freePort()) };
  return {
    checkout,
    env: { ...environment(), ...ports, HOME: home, MAVEN_OPTS: `-Duser.home=${home}` },
    addresses: {
      wallet: `http://localhost:${ports.WALLET_PORT}`,
      history: `http://localhost:${ports.HISTORY_PORT}`,
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What the next commit would hold. */
function copyTracked(from: string, to: string): void {
  const listed = git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"], from);
  for (const name of listed.split("\0").filter(Boolean)) {
    if (!existsSync(join(from, name))) continue;
    mkdirSync(dirname(join(to, name)), { recursive: true });
    cpSync(join(from, name), join(to, name));
  }
}

function git(words: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["git", ...words], { cwd, stderr: "pipe" });
  if (exitCode !== 0) throw new SetupError(`\`git ${words[0]}\` failed: ${stderr.toString().trim()}`);
  return stdout.toString();
}

function environment(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && KEPT.test(name) ? [[name, value]] : [],
  );
  const path = (process.env.PATH ?? "").split(delimiter).filter((each) => !each.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

export interface Started {
  /** Milliseconds from the command to the line that says that all is ready. */
  readonly took_ms: number;
  /** What it showed. */
  readonly shown: string;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

/** A slow line may take its time to fetch 150 MB; after this, something is wrong. */
const START_TIMEOUT_MS = 10 * 60_000;
const STOP_MS = 60_000;
const KILL_MS = 5_000;

/** Runs the start command, in a shell as a person would, until the system is ready. */
export async function start(command: string, { checkout, env }: Fresh): Promise<Started> {
  const began = performance.now();
  const shell = Bun.spawn(["sh", "-c", command], {
    cwd: checkout,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: START_TIMEOUT_MS,
  });
  const errors = shell.stderr.text();
  const reader = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let shown = "";
  while (!shown.includes("\nReady in ")) {
    const { done, value } = await reader.read();
    if (done) throw new SetupError(`\`${command}\` ended before it was ready: ${shown}${await errors}`);
    shown += value;
  }
  const took_ms = performance.now() - began;
  // What it says from now on is not read, and must not hold it up.
  void drain(reader);
  return { took_ms, shown, stop: () => stop(checkout, shell.exited) };
}

async function drain(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  while (!(await reader.read()).done);
}

/** As a person would who has lost the terminal: by the process that the start has noted. */
async function stop(checkout: string, ended: Promise<number>): Promise<void> {
  const owner = recorded(join(checkout, ".data", "start.json"));
  if (owner === null) throw new SetupError("the started system has noted no process of its own");
  await end(owner, [
    { signal: "SIGTERM", wait_ms: STOP_MS },
    { signal: "SIGKILL", wait_ms: KILL_MS },
  ]);
  await ended;
}
