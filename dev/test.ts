/** `bun run test`: all tests, on a machine that has nothing of the project yet; arguments go to `bun test`. */
import { join } from "node:path";
import { endServers, newRunFolder } from "../test/run-folder.ts";
import { installOrExit } from "./install.ts";

/** The first test that needs the servers waits for their start, on a fresh machine for their download too. */
const TEST_TIMEOUT_MS = 120_000;

/** Files run side by side, each in a fresh global object: more than two wait for each other on a machine of two cores. */
const PROCESSES = 2;

/**
 * The tests that kill servers, step by step or at random, take as long as a third of all others, so they have a command of their
 * own: `bun run test:faults`. CI runs both.
 */
const FAULTS = ["test/faults/crashes", "test/faults/kill"];

const checkout = join(import.meta.dir, "..");

await installOrExit();
const folder = newRunFolder();
const [first, ...others] = process.argv.slice(2);
const which =
  first === "--faults"
    ? [...FAULTS, ...others]
    : [
        `--parallel=${PROCESSES}`,
        "--path-ignore-patterns=test/faults/crashes/**",
        "--path-ignore-patterns=test/faults/kill.test.ts",
        ...process.argv.slice(2),
      ];
const tests = Bun.spawn([process.execPath, "test", `--timeout=${TEST_TIMEOUT_MS}`, ...which], {
  cwd: checkout,
  // The processes that run the tests share one PostgreSQL and one broker.
  env: { ...process.env, TEST_RUN_FOLDER: folder },
  stdio: ["inherit", "inherit", "inherit"],
});
// The run gets the terminal's Ctrl-C itself, and ends its servers before it ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => tests.kill("SIGTERM"));
const code = await tests.exited;
await endServers(folder);
process.exit(code);
