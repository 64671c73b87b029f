/**
 * `bun run delay`: how long after a transfer its events are in the history, measured on the running system.
 *
 * Open loop: transfers start at fixed moments, whether earlier ones are answered or not, so that a slow moment is counted
 * for every transfer that would have met it (no coordinated omission). The end of each is when a client that asks the
 * history for the sender's and the receiver's new version has both: what a person would see, requests included.
 * Ends with 1 if the 99th percentile is above a second, or if anything failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findSystem, requireRunning } from "../dev/running.ts";
import { SetupError } from "../dev/setup-error.ts";
import { isLoad, machine, openLoop, post, quantile, quantileTable } from "./open-loop.ts";

/** The goal of the design: an event is in the history within this time, at the 99th percentile. */
const GOAL_MS = 1_000;
/** Pairs of a sender and a receiver: enough wallets for every partition to have its share. */
const PAIRS = 50;
/** The sender is opened (1) and funded (2) before; the receiver is only opened (1). */
const SENDER_STARTS_AT = 2;
const RECEIVER_STARTS_AT = 1;
/** An event that is not there by then counts as lost. */
const LOST_AFTER_MS = 30_000;

const USAGE = `Measures how long after a transfer its events are in the history (WALLET_URL, HISTORY_URL).

  --transfers <n>   how many (default 1000)
  --rate <n>        how many are started in a second (default 100)
  --help`;

interface Pair {
  readonly sender: string;
  readonly receiver: string;
}

/** Milliseconds of one transfer. */
interface Sample {
  /** From the moment for which it was planned to its 2xx. */
  readonly answered: number;
  /** From its 2xx until both events were seen. */
  readonly seen_after_answer: number;
  /** From the moment for which it was planned until both events were seen. */
  readonly seen_after_request: number;
}

interface Addresses {
  readonly wallet: string;
  readonly history: string;
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
    options: { transfers: { type: "string" }, rate: { type: "string" }, help: { type: "boolean" } },
  });
  const [transfers, rate] = [Number(values.transfers ?? 1_000), Number(values.rate ?? 100)];
  if (values.help === true || !isLoad(transfers, rate)) {
    console.log(USAGE);
    return values.help === true ? 0 : 2;
  }
  const system = findSystem(join(import.meta.dir, "../.data"), process.env);
  await requireRunning(system);
  const pairs = await openPairs(system, Math.min(PAIRS, transfers));
  const { samples, failures } = await openLoop(transfers, rate, (index, planned) =>
    measure(system, pairs[index % pairs.length], planned),
  );
  return report(samples, failures, `${transfers} transfers, ${rate} started in a second, ${pairs.length * 2} wallets`);
}

async function measure({ wallet, history }: Addresses, pair: Pair | undefined, planned: number): Promise<Sample> {
  if (pair === undefined) throw new Error("no wallets");
  const answer = await post(`${wallet}/wallets/${pair.sender}/transfer`, {
    to_wallet_id: pair.receiver,
    amount: "0.01",
  });
  const answered = performance.now();
  const version = Number(answer.from_wallet_version);
  // A receiver is paid by one sender only, so its version follows from the sender's.
  const received = version - SENDER_STARTS_AT + RECEIVER_STARTS_AT;
  await Promise.all([seen(history, pair.sender, version), seen(history, pair.receiver, received)]);
  const end = performance.now();
  return { answered: answered - planned, seen_after_answer: end - answered, seen_after_request: end - planned };
}

/** Resolves when the history answers with the version. */
async function seen(history: string, id: string, version: number): Promise<void> {
  const deadline = performance.now() + LOST_AFTER_MS;
  while (performance.now() < deadline) {
    // The server waits for the version for up to two seconds, and then says that it is behind.
    const response = await fetch(`${history}/wallets/${id}/history?limit=1&min_version=${version}`);
    const body = await response.text();
    if (response.ok) return;
    if (response.status !== 503) throw new Error(`the history answered ${response.status}: ${body}`);
  }
  throw new Error(`version ${version} of ${id} was not in the history after ${LOST_AFTER_MS} ms`);
}

async function openPairs({ wallet, history }: Addresses, count: number): Promise<Pair[]> {
  const open = async (): Promise<string> => String((await post(`${wallet}/wallets`, { user_id: "bench-delay" })).id);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const [sender, receiver] = await Promise.all([open(), open()]);
      await post(`${wallet}/wallets/${sender}/fund`, { amount: "1000" });
      // The measurement begins with a history that is level with the wallets.
      await Promise.all([seen(history, sender, SENDER_STARTS_AT), seen(history, receiver, RECEIVER_STARTS_AT)]);
      return { sender, receiver };
    }),
  );
}

function report(samples: readonly Sample[], failures: readonly string[], what: string): number {
  const rows = [
    ["request → 2xx answer", "answered"],
    ["2xx answer → both events in the history", "seen_after_answer"],
    ["request → both events in the history", "seen_after_request"],
  ] as const;
  const table = quantileTable(rows.map(([name, member]) => [name, samples.map((sample) => sample[member])]));
  const p99_ms = quantile(
    samples.map(({ seen_after_answer }) => seen_after_answer),
    0.99,
  );
  console.log(`${what}\n${machine()}\n${table}`);
  for (const failure of failures.slice(0, 5)) console.log(failure);
  if (failures.length > 0) console.log(`✗ ${failures.length} transfers failed`);
  const good = p99_ms <= GOAL_MS;
  console.log(`${good ? "✓" : "✗"} p99 from the answer: ${p99_ms.toFixed(1)} ms, the goal is ${GOAL_MS} ms`);
  return good && failures.length === 0 ? 0 : 1;
}
