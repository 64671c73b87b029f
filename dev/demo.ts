/**
 * `bun run demo`: a small story of three people, played over HTTP against the running system and compared with what was
 * told. Each run opens wallets of its own. Ends with 1 if something is not as told.
 */
import { join } from "node:path";
import pc from "picocolors";
import { reportText } from "../sql/check/command.ts";
import { type CheckedDatabases, check } from "../sql/check.ts";
import { findSystem, requireRunning } from "./running.ts";
import { SetupError } from "./setup-error.ts";
import { Player } from "./story/play.ts";
import { showBalances, showChecks, showHistory, showLedger, showStep } from "./story/show.ts";
import { SAGAS, TRANSFERS } from "./story/steps.ts";

const CHAPTERS = [TRANSFERS, SAGAS];

try {
  const system = findSystem(join(import.meta.dir, ".."), process.env);
  await requireRunning(system);
  const faults = (await tell(new Player(system))) + (await verify(system.databases));
  if (faults > 0) console.log(pc.red(`\n✗ ${faults} ${faults === 1 ? "thing was" : "things were"} not as told`));
  else console.log(pc.green("\n✓ all was as told"));
  process.exit(faults > 0 ? 1 : 0);
} catch (error) {
  console.error(error instanceof SetupError ? `${error.message}.` : error);
  process.exit(1);
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
