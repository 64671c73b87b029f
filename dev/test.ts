/** `bun run test`: all tests, on a machine that has nothing of the project yet; arguments go to `bun test`. */
import { join } from "node:path";
import { installOrExit } from "./install.ts";

/** The first test that needs the servers waits for their start, on a fresh machine for their download too. */
const TEST_TIMEOUT_MS = 120_000;

/**
 * Most tests wait rather than compute, so two files run side by side; each worker has a PostgreSQL and a broker, which its files
 * share (hence no isolation: a worker would start them anew for every file).
 */
const WORKERS = ["--parallel=2", "--no-isolate"];

const checkout = join(import.meta.dir, "..");

await installOrExit();
const tests = Bun.spawn(
  [process.execPath, "test", ...WORKERS, `--timeout=${TEST_TIMEOUT_MS}`, ...process.argv.slice(2)],
  {
    cwd: checkout,
    stdio: ["inherit", "inherit", "inherit"],
  },
);
// The run gets the terminal's Ctrl-C itself, and ends its servers before it ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => tests.kill("SIGTERM"));
process.exit(await tests.exited);
