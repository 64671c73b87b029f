/** How fast a backlog ends: events that wait in the outbox for the relay, then events that wait in the topic for the history. */
import postgres from "postgres";
import { connectFunctions } from "../../shared/database.ts";
import { withAdmin } from "../../shared/kafka.ts";
import { createLog } from "../../shared/log.ts";
import { BATCH_OPERATIONS, CALLS_IN_FLIGHT } from "../../wallet/committer.ts";
import { callWith } from "../../wallet/execute.ts";
import { startHistory, startWallet } from "../ground.ts";
import type { Bench } from "../measure.ts";
import { progress } from "../system.ts";
import { type Usage, watchUsage } from "../usage.ts";
import { applyTransfers, pairsAmong } from "../wallets.ts";

export interface DrainResult {
  readonly events: number;
  readonly relay: Rate;
  readonly history: Rate;
}

interface Rate {
  /** From the first event that was seen on its way to the last. */
  readonly per_second: number;
  readonly seconds: number;
  readonly usage: Readonly<Record<string, Usage>>;
}

const LOOK_MS = 50;
const TIMEOUT_MS = 30 * 60_000;
const ADMIN_DEADLINE_MS = 10_000;

export async function measureDrain(bench: Bench): Promise<DrainResult> {
  const { ground, plan, say } = bench;
  const [database, topics] = await Promise.all([ground.database("drain"), ground.topics("drain")]);
  await makeBacklog(database, ground.wallets, plan.drain_transfers);
  const sql = postgres(database, { max: 1, onnotice: () => undefined });
  const { happened } = await progress(sql);
  say(`${happened} events wait in the outbox`);
  const env = { DATABASE_URL: database, ...topics };

  const wallet = await startWallet(ground, env);
  const topic = { brokers: (topics.KAFKA_BROKERS ?? "").split(","), name: topics.KAFKA_TOPIC ?? "" };
  const relayUse = watchUsage([wallet, ...ground.watched]);
  const relayed = await rateUntil(happened, () => eventsIn(topic));
  const relay = { ...relayed, usage: relayUse.end() };
  say(`relay: ${Math.round(relay.per_second)} events/s`);

  const history = await startHistory(ground, env);
  const historyUse = watchUsage([wallet, history, ...ground.watched]);
  const applied = await rateUntil(happened, async () => (await progress(sql)).applied);
  const result = { events: happened, relay, history: { ...applied, usage: historyUse.end() } };
  say(`history: ${Math.round(result.history.per_second)} events/s`);
  await Promise.all([wallet.stop(), history.stop(), sql.end()]);
  return result;
}

/** Transfers by the SQL function in full lists, while no server is at work: all their events are in the outbox. */
async function makeBacklog(database: string, wallets: readonly string[], transfers: number): Promise<void> {
  const options = { service: "wallet", purpose: "bench", max: CALLS_IN_FLIGHT, statementTimeoutMs: 60_000 } as const;
  const sql = connectFunctions(database, options);
  let left = transfers;
  const work = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(left, BATCH_OPERATIONS);
      left -= count;
      await applyTransfers(callWith(sql), pairsAmong(wallets, count));
    }
  };
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, work));
  await sql.end();
}

async function rateUntil(
  total: number,
  count: () => Promise<number>,
): Promise<{ readonly per_second: number; readonly seconds: number }> {
  const deadline = performance.now() + TIMEOUT_MS;
  let first: { readonly at: number; readonly count: number } | undefined;
  for (;;) {
    const [now, at] = [await count(), performance.now()];
    if (first === undefined && now > 0) first = { at, count: now };
    if (first !== undefined && now >= total) {
      const seconds = (at - first.at) / 1_000;
      // All of it between two looks: too little to tell a rate.
      return { seconds, per_second: seconds > 0 ? (total - first.count) / seconds : 0 };
    }
    if (at > deadline) throw new Error(`${now} of ${total} events after ${TIMEOUT_MS} ms`);
    await Bun.sleep(LOOK_MS);
  }
}

async function eventsIn(topic: { readonly brokers: string[]; readonly name: string }): Promise<number> {
  const log = createLog({ service: "bench", level: "silent", pretty: false });
  const kafka = { brokers: topic.brokers, ssl: false, sasl: null, clientId: "bench", log };
  const offsets = await withAdmin(kafka, ADMIN_DEADLINE_MS, (admin) => admin.fetchTopicOffsets(topic.name));
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}
