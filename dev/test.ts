/** `bun run test`: all tests, on a machine that has nothing of the project yet; arguments go to `bun test`. */
import { join } from "node:path";
import { endServers, newRunFolder } from "../test/run-folder.ts";
import { installOrExit } from "./install.ts";

/** The first test that needs the servers waits for their start, on a fresh machine for their download too. */
const TEST_TIMEOUT_MS = 120_000;

/** Files run side by side, each in a fresh global object: more than two wait for each other on a machine of two cores. */
const PROCESSES = 2;

/**
 * The tests that kill servers, step by step or at random, take as long as all others, so they have a command of their own:
 * `bun run test:faults`. CI runs both. With `--whole` it is no test but a program: every fault in full.
 */
const FAULTS = ["test/faults/crashes", "test/faults/kill", "test/faults/suite"];

const checkout = join(import.meta.dir, "..");

await installOrExit();
const folder = newRunFolder();
const [first, ...others] = process.argv.slice(2);
const withFaults = first === "--faults";
const whole = withFaults && others.includes("--whole");
const which = withFaults
  ? [...FAULTS, ...others]
  : [
      `--parallel=${PROCESSES}`,
      "--path-ignore-patterns=test/faults/crashes/**",
      "--path-ignore-patterns=test/faults/{kill,suite}.test.ts",
      ...process.argv.slice(2),
    ];
const command = whole
  ? ["test/faults/whole.ts", ...others.filter((word) => word !== "--whole")]
  : ["test", `--timeout=${TEST_TIMEOUT_MS}`, ...which];
const tests = Bun.spawn([process.execPath, ...command], {
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
