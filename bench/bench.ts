/**
 * `bun run bench`: how fast the system is, beside other ways of doing the same, in one run on one machine.
 *
 * Starts PostgreSQL, broker and servers of its own (or uses DATABASE_URL and KAFKA_BROKERS), measures part by part, and leaves
 * results.json and report.md with charts in `bench/results/`. docs/performance.md tells what is measured and how.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { createScreen } from "../dev/screen.ts";
import { messageOf, SetupError } from "../dev/setup-error.ts";
import { type Ground, startGround } from "./ground.ts";
import { describeMachine } from "./machine.ts";
import type { Bench } from "./measure.ts";
import { measureBaselines } from "./parts/baselines.ts";
import { measureDrain } from "./parts/drain.ts";
import { measureEndToEnd } from "./parts/end-to-end.ts";
import { measureFairness } from "./parts/fairness.ts";
import { measureGrowth } from "./parts/growth.ts";
import { measureHttp } from "./parts/http.ts";
import { measureOpenLoop } from "./parts/open.ts";
import { measureOverload } from "./parts/overload.ts";
import { measureReads } from "./parts/reads.ts";
import { isPart, PARTS, type Part, type Plan, planFor } from "./plan.ts";
import { writeReport } from "./report/report.ts";
import type { PartResults, Results } from "./results.ts";

const USAGE = `Measures the system and writes a report into bench/results.

  --full            for figures to quote (an hour and more, 50 GB of disk); without it, a look (about two minutes)
  --only <parts>    some of ${PARTS.join(", ")}, with commas between them
  --seconds <n>     of each measurement
  --past <names>    for growth: databases on DATABASE_URL's server that bench/fill.ts has filled, in place of filling some; kept
  --help`;

const CHECKOUT = join(import.meta.dir, "..");
const SIGNAL_EXIT = 130;

const screen = createScreen(process.stdout.isTTY);

/** Null where the arguments make no sense, or ask for help. */
function parse(): Plan | null {
  try {
    const { values } = parseArgs({
      options: {
        full: { type: "boolean" },
        only: { type: "string" },
        seconds: { type: "string" },
        past: { type: "string" },
        help: { type: "boolean" },
      },
    });
    const names = (values.only ?? "").split(",").filter(Boolean);
    const only = names.filter(isPart);
    const past = (values.past ?? "").split(",").filter(Boolean);
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
    const sound =
      only.length === names.length && (seconds === undefined || (Number.isInteger(seconds) && seconds >= 1));
    return sound && values.help !== true ? planFor({ full: values.full === true, only, seconds, past }) : null;
  } catch {
    return null;
  }
}

async function main(plan: Plan): Promise<void> {
  const began = performance.now();
  const started_at = new Date().toISOString();
  const starting = startGround({ checkout: CHECKOUT, say: screen.progress });
  stopOnSignals(starting);
  const ground = await starting;
  try {
    const machine = await describeMachine(ground.admin, ground.kafka);
    const bench = { ground, plan, say: (line: string) => screen.say(`  ${line}`) };
    let folder = "";
    let seconds = 0;
    // After each part: a run takes long, and what ends it before its time must not take what it has measured.
    await measureParts(bench, ({ parts, missing }) => {
      seconds = Math.round((performance.now() - began) / 1_000);
      folder = save({ started_at, seconds, plan, machine, missing, parts });
    });
    if (ground.processes.closed) return;
    screen.say(`\n${seconds} s. The report is ${relative(process.cwd(), join(folder, "report.md"))}`);
  } finally {
    await ground.stop();
  }
}

type Measurements = { readonly [P in Part]: (bench: Bench) => Promise<PartResults[P]> };

const MEASUREMENTS: Measurements = {
  http: measureHttp,
  baselines: measureBaselines,
  open: measureOpenLoop,
  "end-to-end": measureEndToEnd,
  drain: measureDrain,
  reads: measureReads,
  fairness: measureFairness,
  overload: measureOverload,
  growth: measureGrowth,
};

/** Each part by itself: one that fails is named in the report, and does not take the others with it. */
async function measureParts(
  bench: Bench,
  onPart: (measured: Pick<Results, "parts" | "missing">) => void,
): Promise<void> {
  const parts: Partial<PartResults> = {};
  const missing: string[] = [];
  for (const part of bench.plan.parts) {
    screen.say(part);
    const began = performance.now();
    try {
      await measurePart(bench, part, parts);
      screen.say(`  (${Math.round((performance.now() - began) / 1_000)} s)`);
    } catch (error) {
      if (bench.ground.processes.closed) break;
      missing.push(`${part}: ${messageOf(error)}`);
      screen.say(`  ${part} could not be measured: ${messageOf(error)}`);
    }
    // Whatever a failure has left running would disturb the next part.
    await bench.ground.processes.stop();
    onPart({ parts, missing });
  }
}

async function measurePart<P extends Part>(bench: Bench, part: P, parts: Partial<PartResults>): Promise<void> {
  const measurement: Measurements[P] = MEASUREMENTS[part];
  parts[part] = await measurement(bench);
}

function save(results: Results): string {
  const folder = join(
    import.meta.dir,
    "results",
    `${results.started_at.slice(0, 19).replaceAll(":", "")}-${results.plan.mode}`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "results.json"), `${JSON.stringify(results, null, 2)}\n`);
  const { markdown, charts } = writeReport(results);
  writeFileSync(join(folder, "report.md"), markdown);
  for (const [name, svg] of Object.entries(charts)) writeFileSync(join(folder, name), svg);
  return folder;
}

/** Ctrl-C and the like: everything is stopped in order, and nothing is left running. */
function stopOnSignals(starting: Promise<Ground>): void {
  const stop = (): void => {
    screen.say("\nStopping …");
    void starting.then((ground) => ground.stop()).finally(() => process.exit(SIGNAL_EXIT));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
}

const plan = parse();
if (plan === null) {
  console.log(USAGE);
  process.exit(2);
}
try {
  await main(plan);
  process.exit(0);
} catch (error) {
  console.error(error instanceof SetupError ? `${error.message}.` : error);
  process.exit(1);
}
