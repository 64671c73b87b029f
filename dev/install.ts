/** Packages first: what comes before them may import nothing but Bun, Node and files like this one. */
import { SetupError } from "./setup-error.ts";

/** Installs what bun.lock names; takes 50 ms where nothing is missing. Throws SetupError. */
export async function installPackages(checkout: string): Promise<void> {
  const install = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: checkout,
    stdio: ["ignore", "ignore", process.stderr.isTTY ? "inherit" : "pipe"],
  });
  const errors = install.stderr === undefined ? "" : await install.stderr.text();
  if ((await install.exited) !== 0) {
    const reason = errors.split("\n").find((line) => line.startsWith("error")) ?? "the lines above say why";
    throw new SetupError(`\`bun install\` failed (${reason}): look at the network and the folder, then start again`);
  }
}
