/**
 * `bun bench/fill.ts`: a database with many transfers in it, for measurements of how things are when it has grown.
 *
 * The services' own SQL functions make it, in full lists, and what they write is what servers would have written: lines,
 * keys, outbox, history and ledger. Only the broker is left out: what the outbox holds goes to the history at once, by
 * the partition that the topic would have put it into. So `check` finds it sound, and a rebuild finds the topics empty.
 */
import { parseArgs } from "node:util";
import { configOrExit } from "../shared/config.ts";
import { connectFunctions, type Sql } from "../shared/database.ts";
import { createLog } from "../shared/log.ts";
import { migrate } from "../sql/migrate.ts";
import { createDelivery } from "./fill/delivery.ts";
import { createWork } from "./fill/work.ts";

const USAGE = `Fills the databases that DATABASE_URL (or WALLET_DATABASE_URL and HISTORY_DATABASE_URL) names, as their owner.
No server may be at work on them; what is there already is kept.

  --transfers <n>   how many (default 500000); each has two lines and two events
  --wallets <n>     among how many new wallets (default 10000)
  --sagas <n>       how many of the transfers the ledger decides (default 0)
  --help`;

/** Operations of one call, as many as a busy server's. */
const CALL_OPERATIONS = 500;
/** Between two looks at the outbox: twenty full calls of record_events, which keeps two connections busy. */
const ROUND_OPERATIONS = 20 * CALL_OPERATIONS;
const REPORT_EVERY_MS = 5_000;

interface Asked {
  readonly transfers: number;
  readonly wallets: number;
  readonly sagas: number;
}

const asked = parse();
if (asked === null) {
  console.error(USAGE);
  process.exit(2);
}
await main(asked);

/** Null where the arguments make no sense, or ask for help. */
function parse(): Asked | null {
  const number = (fallback: string) => ({ type: "string", default: fallback }) as const;
  try {
    const { values } = parseArgs({
      options: { transfers: number("500000"), wallets: number("10000"), sagas: number("0"), help: { type: "boolean" } },
    });
    const [transfers, wallets, sagas] = [Number(values.transfers), Number(values.wallets), Number(values.sagas)];
    const sound = [transfers, wallets, sagas].every((each) => Number.isInteger(each) && each >= 0);
    return sound && wallets >= 2 && sagas <= transfers && values.help !== true ? { transfers, wallets, sagas } : null;
  } catch {
    return null;
  }
}

async function main(wanted: Asked): Promise<void> {
  const databases = {
    wallet: configOrExit("wallet", ["database"]).databaseUrl,
    history: configOrExit("history", ["database"]).databaseUrl,
  };
  await migrate(databases, createLog({ service: "fill", level: "warn", pretty: false }));
  // Nobody waits for an answer here, so a statement may take as long as the disk makes it.
  const limits = { purpose: "fill", statementTimeoutMs: 0, lockTimeoutMs: 0 };
  const wallet = connectFunctions(databases.wallet, { ...limits, service: "wallet", max: 2 });
  const history = connectFunctions(databases.history, { ...limits, service: "history", max: 2 });
  try {
    const started = performance.now();
    await fill(wallet, history, wanted);
    await Promise.all([tidy(databases.wallet, "wallet"), tidy(databases.history, "history")]);
    console.log(`filled in ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  } finally {
    await Promise.all([wallet.end({ timeout: 5 }), history.end({ timeout: 5 })]);
  }
}

/** One round's operations are applied while the events of the round before go to the history. */
async function fill(wallet: Sql, history: Sql, { transfers, wallets, sagas }: Asked): Promise<void> {
  const delivery = await createDelivery(wallet, history);
  const work = createWork({ wallet, transfers, wallets, sagas, call_operations: CALL_OPERATIONS });
  let told = performance.now();
  let waiting = await delivery.take();
  for (;;) {
    const [applied, decisions] = await Promise.all([work.apply(ROUND_OPERATIONS), delivery.deliver(waiting)]);
    work.settle(decisions);
    waiting = await delivery.take();
    if (applied === 0 && waiting.length === 0 && decisions.length === 0) break;
    if (performance.now() - told < REPORT_EVERY_MS) continue;
    told = performance.now();
    console.log(`${work.begun()} of ${transfers} transfers`);
  }
  await delivery.finish();
}

/** What autovacuum has done to a database that took weeks to grow; where it is at it just now, it is waited for. */
async function tidy(url: string, service: "wallet" | "history"): Promise<void> {
  const sql = connectFunctions(url, {
    service,
    purpose: "fill",
    max: 1,
    asOwner: true,
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
  });
  await sql`vacuum (analyze)`;
  await sql.end({ timeout: 5 });
}
