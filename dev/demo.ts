/**
 * `bun run demo`: a small story of three people, played over HTTP against the running system and compared with what was
 * told. Each run opens wallets of its own. Ends with 1 if something is not as told.
 *
 * `bun run demo --chaos [folder]`: the history server of `bun start` (with its data in the folder, or `.data`) is killed in mid-story.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import pc from "picocolors";
import { reportText } from "../sql/check/command.ts";
import { type CheckedDatabases, check } from "../sql/check.ts";
import { recorded } from "./processes.ts";
import { findSystem, type RunningSystem, requireRunning } from "./running.ts";
import { messageOf, SetupError, START } from "./setup-error.ts";
import { playChaos } from "./story/chaos.ts";
import { Player } from "./story/play.ts";
import { showBalances, showChaos, showChecks, showHistory, showLedger, showSample, showStep } from "./story/show.ts";
import { SAGAS, TRANSFERS } from "./story/steps.ts";
import { serviceRecord } from "./takeover.ts";

const CHAPTERS = [TRANSFERS, SAGAS];

const CHECKOUT = join(import.meta.dir, "..");

try {
  const { chaos, data } = asked();
  const system = findSystem(data, process.env);
  await requireRunning(system);
  const told = chaos ? await tellChaos(system, data) : await tell(new Player(system));
  const faults = told + (await verify(system.databases));
  if (faults > 0) console.log(pc.red(`\n✗ ${faults} ${faults === 1 ? "thing was" : "things were"} not as told`));
  else console.log(pc.green("\n✓ all was as told"));
  process.exit(faults > 0 ? 1 : 0);
} catch (error) {
  console.error(error instanceof SetupError ? `${error.message}.` : error);
  process.exit(1);
}

function asked(): { readonly chaos: boolean; readonly data: string } {
  try {
    const options = { chaos: { type: "boolean", default: false } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length > 1) throw new Error("one folder at most");
    return { chaos: values.chaos, data: resolve(positionals[0] ?? join(CHECKOUT, ".data")) };
  } catch (error) {
    throw new SetupError(`${messageOf(error)}: write \`bun run demo\` or \`bun run demo --chaos [folder]\``);
  }
}

async function tellChaos(addresses: RunningSystem, data: string): Promise<number> {
  const processFile = serviceRecord(data, "history");
  if (recorded(processFile) === null) {
    throw new SetupError(
      `No history server of \`bun start\` is noted in ${data}: start the system with \`${START}\` in another terminal, or name its folder with \`bun run demo --chaos <folder>\``,
    );
  }
  console.log(pc.bold("The history server is killed while two people pay each other\n"));
  const chaos = await playChaos({
    addresses,
    processFile,
    onSample: (sample) => console.log(showSample(sample)),
    onEvent: (text) => console.log(pc.yellow(`         ${text}`)),
  });
  console.log(`\n${showChaos(chaos)}`);
  return chaos.faults.length;
}

/** Gives the number of things that were not as told. */
async function tell(player: Player): Promise<number> {
  let faults = 0;
  for (const [index, step] of CHAPTERS.flat().entries()) {
    const played = await player.play(step);
    console.log(showStep(index + 1, step, played));
    faults += played.faults.length;
  }
  const accounts = await player.accounts();
  console.log(showBalances(accounts));
  for (const account of accounts) {
    console.log(`\n${showHistory(account, accounts)}`);
    faults += account.faults.length;
  }
  const ledger = await player.ledger();
  console.log(`\n${showLedger(ledger, accounts)}`);
  faults += ledger.faults.length;
  return faults;
}

/** Whether the invariants hold on all that the databases have, not just on the story. */
async function verify(databases: CheckedDatabases | null): Promise<number> {
  console.log(`\n${pc.bold("Invariants, verified in the databases")}`);
  if (databases === null) {
    console.log("not verified: set DATABASE_URL to the database of these servers");
    return 0;
  }
  const report = await check(databases);
  if (report.holds) console.log(showChecks(report));
  else console.log(reportText(report));
  return report.results.filter(({ holds }) => holds === false).length;
}
