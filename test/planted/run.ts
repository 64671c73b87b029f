/**
 * `bun run test:planted [--only name] [--write]`: plants bugs in a copy of the checkout, one at a time, and shows for each
 * that a test is red because of it. Ends with 1 where a bug survives, or a plant no longer fits the code.
 *
 * --only name   this plant alone; may be given several times
 * --write       puts the table into docs/testing.md
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endServers, newRunFolder } from "../run-folder.ts";
import { makeCopy } from "./copy.ts";
import { Ground } from "./ground.ts";
import { PAGE, type Row, withTable } from "./page.ts";
import type { NamedTest, Plant } from "./plant.ts";
import { PLANTS } from "./plants.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { only: { type: "string", multiple: true }, write: { type: "boolean", default: false } },
});
const chosen = values.only === undefined ? PLANTS : PLANTS.filter(({ name }) => values.only?.includes(name));
const unknown = (values.only ?? []).filter((name) => !PLANTS.some((plant) => plant.name === name));
if (unknown.length > 0) {
  console.error(`There is no plant ${unknown.join(", ")}. There are: ${PLANTS.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

const folder = newRunFolder();
const copy = makeCopy();
const ground = new Ground(copy.folder, folder);
const rows: Row[] = [];
let failed = 0;
try {
  failed += await expectGreen(distinct(chosen.flatMap((plant) => plant.caught_by)));
  for (const plant of failed > 0 ? [] : chosen) {
    const started = performance.now();
    const survived = await tryOut(plant);
    const seconds = (performance.now() - started) / 1_000;
    if (survived === undefined) rows.push({ plant, seconds });
    else failed += 1;
    console.log(`${survived === undefined ? "caught  " : "SURVIVED"} ${plant.name} (${seconds.toFixed(1)} s)`);
    console.log(`         ${survived ?? plant.caught_by.map(({ file, title }) => `${file} "${title}"`).join("; ")}`);
  }
} finally {
  await endServers(folder);
  copy.remove();
}
if (values.write && failed === 0 && rows.length === PLANTS.length) {
  const page = join(import.meta.dir, "../..", PAGE);
  writeFileSync(page, withTable(readFileSync(page, "utf8"), rows));
}
console.log(`${rows.length} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

/** The tests without any bug: what is red by itself would prove nothing. Gives the number of those that are not green. */
async function expectGreen(tests: readonly NamedTest[]): Promise<number> {
  console.log(`the copy as it is: ${tests.length} tests`);
  const { results, output } = await ground.run(tests);
  const bad = tests.filter((test) => {
    const own = results.filter((result) => matches(result, test));
    return own.length === 0 || own.some(({ outcome }) => outcome !== "passed");
  });
  for (const { file, title } of bad) console.log(`NOT GREEN ${file} "${title}"`);
  if (bad.length > 0) console.log(output);
  return bad.length;
}

/** Undefined where each of the plant's tests is red; otherwise why not. */
async function tryOut(plant: Plant): Promise<string | undefined> {
  let restore: () => void;
  try {
    restore = copy.plant(plant);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  try {
    const storage = plant.edits.some(({ file }) => file.startsWith("sql/"));
    const fault = await ground.load(storage);
    if (fault !== undefined) return `nothing starts with it, so it proves nothing:\n${fault}`;
    const { results, output } = await ground.run(plant.caught_by);
    const blind = plant.caught_by.filter(
      (test) => !results.some((result) => matches(result, test) && result.outcome === "failed"),
    );
    if (blind.length === 0) return undefined;
    const names = blind.map(({ file, title }) => `${file} "${title}"`).join("; ");
    return `${plant.breaks}, and this is not red: ${names}\n${output}`;
  } finally {
    restore();
  }
}

function matches(result: { file: string; title: string }, test: NamedTest): boolean {
  return result.file === test.file && result.title.includes(test.title);
}

function distinct(tests: readonly NamedTest[]): NamedTest[] {
  return [...new Map(tests.map((test) => [`${test.file} ${test.title}`, test])).values()];
}
