/** `bun run test:faults --whole`: every fault on a system of real servers, with its numbers; by hand, since it takes long. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pc from "picocolors";
import { cleanUpAfterKilledRuns } from "../cluster.ts";
import { endServices, newRunFolder } from "../run-folder.ts";
import { Bed } from "./suite/bed.ts";
import { lineOf, terminalTable, withResults } from "./suite/report.ts";
import { type Result, runFault, WHOLE } from "./suite/run.ts";
import { FAULTS } from "./suite/table.ts";

const USAGE = `usage: bun run test:faults --whole [--only <name>] [--runs <n>] [--seed <n>] [--patience <n>]

Runs every fault with ${WHOLE.operations.toLocaleString("en-US")} operations or more, and writes the table of docs/faults.md.

  --only <name>   just the faults whose names contain this; docs/faults.md is left as it is. May be repeated
  --runs <n>      passes through all of them (default 1)
  --seed <n>      of the random operations and moments (default: of the time)
  --patience <n>  on a machine that is busy with other things, recovery may take so many times as long (default 1)
  --help`;

const PAGE = join(import.meta.dir, "../../docs/faults.md");

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    runs: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    patience: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const { only } = values;
const seed = Number(values.seed);
const scale = { ...WHOLE, patience: Number(values.patience) };
const faults = FAULTS.filter(({ name }) => only === undefined || only.some((each) => name.includes(each)));
if (faults.length === 0) {
  console.error(`There is no such fault. There are: ${FAULTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const from = performance.now();
const folder = process.env.TEST_RUN_FOLDER ?? newRunFolder();
const results: Result[] = [];
let stopped = false;
process.on("SIGINT", () => {
  if (stopped) void endAtOnce();
  stopped = true;
  console.error("stopping after this run; again, to stop at once");
});
process.on("SIGTERM", () => void endAtOnce());

await cleanUpAfterKilledRuns();
const shared = await Bed.open({ folder, runFolder: folder });
try {
  for (let pass = 0; pass < Number(values.runs) && !stopped; pass += 1) {
    console.log(pc.dim(`pass ${pass + 1} of ${values.runs}, seed ${seed + pass}`));
    for (const fault of faults) {
      if (stopped) break;
      const result = await runFault(fault, { shared, folder, seed: seed + pass, scale });
      results.push(result);
      console.log(lineOf(result));
    }
    if (only === undefined && !stopped) await writePage();
  }
} finally {
  await shared.close();
  rmSync(folder, { recursive: true, force: true });
}

console.log(terminalTable(results));
const failed = results.filter(({ wrong }) => wrong.length > 0).length;
const verdict = `${results.length - failed} of ${results.length} runs passed`;
console.log(failed === 0 ? pc.green(verdict) : pc.red(verdict));
process.exit(failed === 0 && !stopped ? 0 : 1);

/** All servers are noted in the folder. */
async function endAtOnce(): Promise<never> {
  await endServices(folder);
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}

/** All passes until now. */
async function writePage(): Promise<void> {
  const took_s = (performance.now() - from) / 1_000;
  const date = new Date().toISOString().slice(0, 10);
  await Bun.write(
    PAGE,
    withResults(await Bun.file(PAGE).text(), results, { date, seed, took_s, patience: scale.patience }),
  );
}
