import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../../dev/setup-error.ts";

/** Schemathesis, in a Python environment of its own below `.data/`: nothing of it is a package of this project. */

const CHECKOUT = join(import.meta.dir, "../..");
/** Every package with its version, so that a seed means the same requests on every machine. */
const REQUIREMENTS = join(import.meta.dir, "requirements.txt");
const PYTHON =
  "install Python 3.10 or later with its venv module: `apt-get install -y python3 python3-venv` (macOS: `brew install python`)";

/** The path of the program; installs it where it is missing. @throws SetupError, with what to do */
export async function installSchemathesis(log: (line: string) => void): Promise<string> {
  const version = Bun.hash(readFileSync(REQUIREMENTS)).toString(36);
  const folder = join(CHECKOUT, ".data/fuzz", `venv-${version}`);
  const program = join(folder, "bin/schemathesis");
  const complete = join(folder, "complete");
  if (existsSync(complete)) return program;
  const python = Bun.which("python3");
  if (python === null) throw new SetupError(`The fuzz test needs Python, and there is none: ${PYTHON}`);
  log("installing Schemathesis (once)");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, ".."), { recursive: true });
  await call([python, "-m", "venv", folder], PYTHON);
  await call(
    [join(folder, "bin/python"), "-m", "pip", "install", "--quiet", "--no-input", "--requirement", REQUIREMENTS],
    "look at the network, then start again",
  );
  // Only now: an installation that was cut short is made anew.
  await Bun.write(`${complete}.unfinished`, "");
  renameSync(`${complete}.unfinished`, complete);
  return program;
}

async function call(command: string[], remedy: string): Promise<void> {
  const child = Bun.spawn(command, {
    env: { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors = await child.stderr.text();
  if ((await child.exited) !== 0)
    throw new SetupError(`\`${command.slice(1).join(" ")}\` failed: ${remedy}\n${errors}`);
}
