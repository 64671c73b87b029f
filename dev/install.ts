/**
 * Packages first: this file, and what it imports, may import nothing but Bun, Node and files like it. Run by itself before
 * `bun start`, because a process of Bun does not see packages that were installed after it has looked for one.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writableFolder } from "./folder.ts";
import { SetupError } from "./setup-error.ts";

const CHECKOUT = join(import.meta.dir, "..");

/** Installs what bun.lock names; takes 50 ms where nothing is missing. Ends the process, with one line, if it cannot. */
export async function installOrExit(): Promise<void> {
  try {
    writableFolder(CHECKOUT);
    await install();
  } catch (error) {
    console.error(error instanceof SetupError ? `Cannot start: ${error.message}.` : error);
    process.exit(1);
  }
}

async function install(): Promise<void> {
  if (!existsSync(join(CHECKOUT, "node_modules"))) console.error("installing the packages (once)");
  const child = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: CHECKOUT,
    stdio: ["ignore", "ignore", process.stderr.isTTY ? "inherit" : "pipe"],
  });
  const errors = child.stderr === undefined ? "" : await child.stderr.text();
  if ((await child.exited) !== 0) {
    const reason = errors.split("\n").find((line) => line.startsWith("error")) ?? "the lines above say why";
    throw new SetupError(`\`bun install\` failed (${reason}): look at the network and the folder, then start again`);
  }
}

if (import.meta.main) await installOrExit();
