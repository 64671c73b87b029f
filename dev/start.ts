/** `bun start`: the whole system, on a machine that has nothing of it yet. */
import { join } from "node:path";
import { writableFolder } from "./folder.ts";
import { installPackages } from "./install.ts";
import { SetupError } from "./setup-error.ts";

const checkout = join(import.meta.dir, "..");
const began = performance.now();

try {
  writableFolder(join(checkout, ".data"));
  await installPackages(checkout);
  const { startSystem } = await import("./system.ts");
  await startSystem({ checkout, installed_ms: performance.now() - began });
} catch (error) {
  // One line for what the reader can mend; the whole story for what only we can.
  console.error(error instanceof SetupError ? `Cannot start: ${error.message}.` : error);
  process.exit(1);
}
