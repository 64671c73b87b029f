/**
 * `bun run readme [--working-tree] [--tests]`: the README as a stranger follows it, in a fresh clone and an empty home: the start command, then
 * the session, block by block, each answer compared; timed until its transfer is seen in the history. `--tests` also runs the
 * second command, all tests. Writes the times into docs/start.md; fails where an answer is another, or the goal is missed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exchangesOf, Names, plain, Shell, sectionOf } from "../test/end-to-end/document.ts";
import { type Fresh, freshCheckout, start } from "./fresh.ts";
import { circumstances, seconds, tableOf, writeBetween } from "./measured.ts";
import { startCommand, testCommand } from "./readme-commands.ts";

const CHECKOUT = join(import.meta.dir, "..");
const DOCUMENT = join(CHECKOUT, "docs/start.md");
const GOAL_MS = 3 * 60_000;

const found = circumstances();
const began = performance.now();
const steps: [what: string, at_ms: number][] = [];
const done = (what: string): void => {
  steps.push([what, performance.now() - began]);
  console.log(`${what}: ${seconds(performance.now() - began)}`);
};

const fresh = await freshCheckout(CHECKOUT, process.argv.includes("--working-tree"));
try {
  done("the checkout is there");
  const readme = readFileSync(join(fresh.checkout, "README.md"), "utf8");
  const system = await start(startCommand(readme), fresh);
  done(`\`${startCommand(readme)}\` is ready`);
  try {
    await follow(sectionOf(readme, "A session"), fresh);
    done("the session is through: its transfers are in the history");
    if (performance.now() - began > GOAL_MS) process.exitCode = 1;
  } finally {
    await system.stop();
  }
  if (process.argv.includes("--tests")) await runTests(testCommand(readme), fresh);
  const table = tableOf(
    ["since the beginning", ""],
    steps.map(([what, at_ms]) => [what, seconds(at_ms)]),
  );
  writeBetween(DOCUMENT, "readme", `${table}\n\nMeasured by \`bun run readme\`: ${found}.`);
  console.log(`\n${table}\n\ngoal: the session within ${seconds(GOAL_MS)}`);
} finally {
  fresh.remove();
}

/** Runs the blocks in one shell. @throws where an answer differs in more than ids and times */
async function follow(session: string, { addresses }: Fresh): Promise<void> {
  const shell = new Shell(addresses);
  const [told, seen] = [new Names(), new Names()];
  try {
    for (const { commands, answer } of exchangesOf(session)) {
      const output = await shell.run(commands);
      if (answer === undefined) continue;
      const [expected, got] = [told.of(plain(answer.text, answer.language)), seen.of(plain(output, answer.language))];
      if (expected !== got) throw new Error(`${commands}\nanswered\n${got}\nand README.md says\n${expected}`);
    }
  } finally {
    await shell.close();
  }
}

async function runTests(command: string, { checkout, env }: Fresh): Promise<void> {
  const tests = Bun.spawn(["sh", "-c", command], { cwd: checkout, env, stdio: ["ignore", "inherit", "inherit"] });
  if ((await tests.exited) !== 0) throw new Error(`\`${command}\` failed`);
  done(`\`${command}\` has passed`);
}
