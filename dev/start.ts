/** `bun start [folder]`: the whole system; its data go to the folder, or `.data`. The packages must be there: see install.ts. */
import { join, resolve } from "node:path";
import { writableFolder } from "./folder.ts";
import { SetupError } from "./setup-error.ts";
import { startSystem } from "./system.ts";

const checkout = join(import.meta.dir, "..");
const data = resolve(process.argv[2] ?? join(checkout, ".data"));

try {
  writableFolder(data);
  await startSystem({ checkout, data });
} catch (error) {
  // One line for what the reader can mend; the whole story for what only we can.
  console.error(error instanceof SetupError ? `Cannot start: ${error.message}.` : error);
  process.exit(1);
}
