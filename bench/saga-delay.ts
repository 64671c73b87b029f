/**
 * `bun run saga-delay`: how long a transfer in which the ledger decides takes, measured on the running system at low load.
 *
 * From the moment for which a request was planned (open loop, as in `bun run delay`) to its answer, which `Prefer: wait`
 * holds back until the saga has ended: reservation, topic, decision, topic, settlement.
 * Ends with 1 if a quantile misses its goal, or if anything failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findSystem, requireRunning } from "../dev/running.ts";
import { SetupError } from "../dev/setup-error.ts";
import { isLoad, machine, openLoop, post, quantile, quantileTable } from "./open-loop.ts";

/** Goals at low load, each for the share of sagas that is to be below it. */
const GOALS_MS = [
  [0.5, 100],
  [0.99, 500],
] as const;
/** Pairs of a sender and a receiver: enough for every partition to have its share. */
const PAIRS = 25;
const WAIT_S = 30;
/** Before the measurement: connections are opened and plans made. */
const WARM_UP_RATE = 20;

const USAGE = `Measures how long a transfer takes in which the ledger decides (WALLET_URL, HISTORY_URL).

  --sagas <n>       how many (default 300)
  --rate <n>        how many are started in a second (default 20)
  --help`;

interface Pair {
  readonly sender: string;
  readonly receiver: string;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof SetupError ? `${error.message}.` : error);
  process.exit(1);
}

/** The exit code. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { sagas: { type: "string" }, rate: { type: "string" }, help: { type: "boolean" } },
  });
  const [sagas, rate] = [Number(values.sagas ?? 300), Number(values.rate ?? 20)];
  if (values.help === true || !isLoad(sagas, rate)) {
    console.log(USAGE);
    return values.help === true ? 0 : 2;
  }
  const system = findSystem(join(import.meta.dir, "../.data"), process.env);
  await requireRunning(system);
  const pairs = await Promise.all(Array.from({ length: PAIRS }, () => openPair(system.wallet)));
  const once = (index: number, planned: number) => measure(system.wallet, pairs[index % PAIRS], planned);
  const warm = await openLoop(PAIRS, WARM_UP_RATE, once);
  const { samples, failures } = await openLoop(sagas, rate, once);
  console.log(`${sagas} sagas, ${rate} started in a second, ${PAIRS * 2} wallets\n${machine()}`);
  return report(samples, [...warm.failures, ...failures]);
}

/** Milliseconds from the planned moment to the final state. */
async function measure(wallet: string, pair: Pair | undefined, planned: number): Promise<number> {
  if (pair === undefined) throw new Error("no wallets");
  const saga = await post(
    `${wallet}/transactions`,
    {
      sender_wallet_id: pair.sender,
      receiver_wallet_id: pair.receiver,
      amount: "0.01",
      idempotency_key: crypto.randomUUID(),
    },
    { prefer: `wait=${WAIT_S}` },
  );
  if (saga.status !== "SUCCESS") throw new Error(`a saga ended otherwise: ${JSON.stringify(saga)}`);
  return performance.now() - planned;
}

async function openPair(wallet: string): Promise<Pair> {
  const open = async (): Promise<string> => String((await post(`${wallet}/wallets`, { user_id: "bench-saga" })).id);
  const [sender, receiver] = await Promise.all([open(), open()]);
  await post(`${wallet}/wallets/${sender}/fund`, { amount: "1000" });
  return { sender, receiver };
}

function report(samples: readonly number[], failures: readonly string[]): number {
  console.log(quantileTable([["request → final state", samples]]));
  for (const failure of failures.slice(0, 5)) console.log(failure);
  if (failures.length > 0) console.log(`✗ ${failures.length} sagas failed`);
  const missed = GOALS_MS.filter(([share, goal_ms]) => {
    const taken_ms = quantile(samples, share);
    const good = taken_ms < goal_ms;
    console.log(`${good ? "✓" : "✗"} p${share * 100}: ${taken_ms.toFixed(1)} ms, the goal is below ${goal_ms} ms`);
    return !good;
  });
  return missed.length === 0 && failures.length === 0 ? 0 : 1;
}
