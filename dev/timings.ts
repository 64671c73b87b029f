/**
 * `bun run timings [--working-tree]`: how long the first start and the later ones take, from the command to "Ready". The first one is that
 * of a stranger: a fresh clone in an empty home, with everything still to be fetched (150 MB). Writes the table into docs/start.md.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freshCheckout, type Started, start } from "./fresh.ts";
import { circumstances, seconds, tableOf, writeBetween } from "./measured.ts";
import { startCommand } from "./readme-commands.ts";

const CHECKOUT = join(import.meta.dir, "..");
const DOCUMENT = join(CHECKOUT, "docs/start.md");

const COLD_GOAL_MS = 60_000;
const WARM_GOAL_MS = 6_000;
const WARM_STARTS = 3;

const workingTree = process.argv.includes("--working-tree");
const found = circumstances();
const command = startCommand(readFileSync(join(CHECKOUT, "README.md"), "utf8"));
const fresh = await freshCheckout(CHECKOUT, workingTree);
try {
  const cold = await timed("cold");
  const warm: Started[] = [];
  for (let times = 0; times < WARM_STARTS; times += 1) warm.push(await timed("warm"));
  const best = Math.min(...warm.map(({ took_ms }) => took_ms));
  const worst = Math.max(...warm.map(({ took_ms }) => took_ms));
  const table = tableOf(
    ["start", "takes", "goal"],
    [
      [
        `cold: ${workingTree ? "the files of a fresh clone" : "a fresh clone"}, an empty home, nothing fetched`,
        seconds(cold.took_ms),
        `≤ ${seconds(COLD_GOAL_MS)}`,
      ],
      [
        `warm: the same again (${WARM_STARTS} times)`,
        `${seconds(best)} – ${seconds(worst)}`,
        `≤ ${seconds(WARM_GOAL_MS)}`,
      ],
    ],
  );
  const parts = tableOf(["part", "cold", "warm"], partsOf(cold, warm.at(-1)));
  console.log(`\n${table}\n\n${parts}\n\n${found}`);
  writeBetween(DOCUMENT, "timings", `${table}\n\n${parts}\n\nMeasured by \`bun run timings\`: ${found}.`);
  if (cold.took_ms > COLD_GOAL_MS || best > WARM_GOAL_MS) process.exitCode = 1;
} finally {
  fresh.remove();
}

async function timed(name: string): Promise<Started> {
  console.log(`${name}: ${command}`);
  const started = await start(command, fresh);
  console.log(`${started.shown.trim()}\n→ ${seconds(started.took_ms)}`);
  await started.stop();
  return started;
}

/** What each part says of itself. They overlap, so that they are more than the whole. */
function partsOf(cold: Started, warm: Started | undefined): string[][] {
  const later = new Map(warm ? timesIn(warm.shown) : []);
  return timesIn(cold.shown).map(([name, time]) => [name, time, later.get(name) ?? ""]);
}

function timesIn(shown: string): [name: string, time: string][] {
  return [...shown.matchAll(/^ {2}✓ (.+?) {2,}.* ([\d.]+ s)$/gm)].map(([, name = "", time = ""]) => [name, time]);
}
