/**
 * `bun start`: the whole system on a machine that has nothing of it yet. Before the packages are there, only what needs
 * none may be imported; the rest comes after `bun install`.
 */
import { join } from "node:path";
import { writableFolder } from "./folder.ts";
import { messageOf, SetupError } from "./setup-error.ts";

const CHECKOUT = join(import.meta.dir, "..");

try {
  writableFolder(join(CHECKOUT, ".data"));
  const installed_ms = await installPackages();
  const { startSystem } = await import("./system.ts");
  await startSystem({ checkout: CHECKOUT, installed_ms });
} catch (error) {
  // One line for what the reader can mend; the whole story for what only we can.
  console.error(error instanceof SetupError ? `Cannot start: ${error.message}.` : error);
  process.exit(1);
}

/** Takes 50 ms where nothing is missing. */
async function installPackages(): Promise<number> {
  const began = performance.now();
  const install = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: CHECKOUT,
    stdio: ["ignore", "ignore", process.stderr.isTTY ? "inherit" : "pipe"],
  });
  const errors = install.stderr === undefined ? "" : await install.stderr.text();
  if ((await install.exited) !== 0) {
    const reason = errors.split("\n").find((line) => line.startsWith("error")) ?? "its lines above say why";
    throw new SetupError(
      `\`bun install\` failed (${messageOf(reason)}): look at the network and the folder, then start again`,
    );
  }
  return performance.now() - began;
}
