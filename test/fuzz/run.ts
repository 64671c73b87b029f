/**
 * `bun run fuzz [--seconds n] [--seed n]`: Schemathesis makes requests of the two API descriptions, proper and improper
 * ones, sends them to real servers, and checks each answer against the description. Ends with 1 where one is not as promised.
 *
 * --seconds n   how long the requests to each server may take, both side by side
 * --seed n      another choice of requests; the same seed makes the same ones
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../dev/setup-error.ts";
import { readReport } from "../junit.ts";
import { endServers, newRunFolder } from "../run-folder.ts";
import { installSchemathesis } from "./install.ts";

/** With the start of the servers, less than a minute in all. */
const SECONDS = 30;
/** Any number: it is printed, so that what was found can be found again. */
const SEED = 20_260_131;

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { seconds: { type: "string" }, seed: { type: "string" } },
});
const seconds = wholeNumber("--seconds", values.seconds, SECONDS);
const seed = wholeNumber("--seed", values.seed, SEED);

const folder = newRunFolder();
process.env.TEST_RUN_FOLDER = folder;
// Until something is found to be as described, nothing is.
let passed = 0;
let failed = 1;
try {
  const program = await installSchemathesis(console.log);
  // Imported only now: the servers of the tests are found by the variable above.
  const { startServers } = await import("./servers.ts");
  const { wallet, history, key } = await startServers();
  console.log(`seed ${seed}, ${seconds} s: both servers, side by side`);
  const found = await Promise.all([
    fuzz(program, "wallet", wallet.url, key),
    fuzz(program, "history", history.url, key),
  ]);
  passed = found.reduce((sum, each) => sum + each.passed, 0);
  failed = found.reduce((sum, each) => sum + each.failed, 0);
} catch (error) {
  console.error(messageOf(error));
} finally {
  await endServers(folder);
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function fuzz(program: string, name: string, url: string, key: string) {
  const report = join(folder, `${name}.xml`);
  const child = Bun.spawn(
    [
      program,
      "--config-file",
      join(import.meta.dir, "schemathesis.toml"),
      "run",
      `${url}/swagger/json`,
      "--url",
      url,
      "--header",
      `Authorization: Bearer ${key}`,
      "--seed",
      String(seed),
      "--max-time",
      String(seconds),
      "--report-junit-path",
      report,
      "--no-color",
    ],
    {
      // What it leaves there goes with the run.
      cwd: folder,
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: join(import.meta.dir, "hooks.py"),
        PYTHONDONTWRITEBYTECODE: "1",
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [output, exit] = await Promise.all([child.stdout.text(), child.exited]);
  const results = existsSync(report) ? readReport(readFileSync(report, "utf8")) : [];
  const good = results.filter(({ outcome }) => outcome === "passed").length;
  const found = results.filter(({ outcome }) => outcome === "failed").length;
  // A run that could not do its job has failed, even if no operation says so.
  const bad = found === 0 && (exit !== 0 || good === 0) ? 1 : found;
  if (bad > 0) console.log(output);
  const [, requests = "no"] = /^\s*([\d,]+) generated/m.exec(output) ?? [];
  console.log(`${name}: ${requests} requests; ${good} operations as described, ${bad} not`);
  return { passed: good, failed: bad };
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  console.error(`${name} takes a whole number, not ${text}`);
  process.exit(2);
}
