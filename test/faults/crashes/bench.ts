/** A system whose one server is reached by nothing but gates, killed at a step, started again and looked at. */
import { expect } from "bun:test";
import { withDeadline } from "../../../shared/deadline.ts";
import { type RunningService, spawnService, until } from "../../cluster.ts";
import {
  expectInvariants,
  type Ground,
  get,
  historyOf,
  isAtWork,
  openFunded,
  post,
  prepareGround,
  type Reply,
  stopAll,
} from "../../end-to-end/system.ts";
import { createSchedule, type Schedule } from "../../schedule.ts";
import { brokerGate, databaseGate, type Gate } from "./gate.ts";
import type { Lane, Place } from "./steps.ts";

export interface Bench {
  readonly ground: Ground;
  readonly gates: { readonly database: Gate; readonly broker: Gate };
  readonly schedule: Schedule;
  /** With the addresses of the gates. */
  readonly env: Readonly<Record<string, string>>;
  wallet: RunningService;
  history: RunningService;
  close(): Promise<void>;
}

const REACH_TIMEOUT_MS = 40_000;

export async function openBench({ title, kills }: Pick<Lane, "title" | "kills">): Promise<Bench> {
  const ground = await prepareGround(`crash ${title}`);
  const address = new URL(ground.database.url);
  const [, brokerPort] = (ground.env.KAFKA_BROKERS ?? "").split(":");
  const database = await databaseGate(Number(address.port));
  const broker = await brokerGate(Number(brokerPort));
  address.host = `127.0.0.1:${database.port}`;
  const env = { ...ground.env, DATABASE_URL: address.href, KAFKA_BROKERS: `127.0.0.1:${broker.port}` };
  const schedule = createSchedule(ground.database.url);
  const start = (service: "wallet" | "history") => spawnService(service, kills === service ? env : ground.env);
  const [wallet, history] = await Promise.all([start("wallet"), start("history")]);
  const bench: Bench = {
    ground,
    gates: { database, broker },
    schedule,
    env,
    wallet,
    history,
    async close() {
      await schedule.end();
      await stopAll(ground, bench.wallet, bench.history);
      database.close();
      broker.close();
    },
  };
  await Promise.all([wallet, history].map(isAtWork));
  return bench;
}

/** Moves 4 of 10 from one wallet to another, kills the server at the place, and sees that it has happened exactly once. */
export async function killAt(bench: Bench, { kills, moves }: Lane, at: Place): Promise<void> {
  const { wallet, history, ground } = bench;
  const [a, b] = [await openFunded(wallet, "ann", "10"), await openFunded(wallet, "bob", "1")];
  await Promise.all([historyOf(history, a, 2), historyOf(history, b, 2)]);
  await expectInvariants(ground);

  const key = crypto.randomUUID();
  const send = () => move(bench, moves, { from: a, to: b, key });
  const stand = await stopAt(bench, at);
  const first = send().catch(() => undefined);
  try {
    await withDeadline(stand.reached, REACH_TIMEOUT_MS, `The ${kills} service's way to the step`);
    await bench[kills].kill("SIGKILL");
  } finally {
    await stand.after();
  }
  bench[kills] = await spawnService(kills, bench.env);
  await isAtWork(bench[kills]);

  const again = await until(
    async () => {
      const reply = await send();
      return [201, 202].includes(reply.status) && reply;
    },
    { timeout_ms: 20_000, what: "the same request is answered" },
  );
  const told = await first;
  if (told !== undefined) expect(again.body).toEqual(told.body);
  if (moves === "saga") await expectSettled(bench, again.body.id);
  await expectMoved(bench, a, { balance: "6.0000", held: "0.0000" }, moves === "saga" ? 4 : 3);
  await expectMoved(bench, b, { balance: "5.0000", held: "0.0000" }, 3);
  await expectInvariants(ground);
}

interface Stand {
  readonly reached: Promise<void>;
  /** What is to be done once the server is dead. */
  after(): Promise<void>;
}

async function stopAt({ gates, schedule }: Bench, at: Place): Promise<Stand> {
  if ("inside" in at) {
    const held = await schedule.hold((session) => session.unsafe(`lock table ${at.inside} in share mode`));
    return { reached: schedule.blocked(1), after: () => held.commit() };
  }
  const gate = gates[at.server];
  const after = async () => undefined;
  if (at.after === undefined) return { reached: gate.hold(at).reached, after };
  const before = gates.database.hold({ hold: "reply", of: at.after });
  const reached = before.reached.then(() => {
    const held = gate.hold(at);
    before.release();
    return held.reached;
  });
  return { reached, after };
}

async function move(
  { wallet }: Bench,
  moves: Lane["moves"],
  { from, to, key }: { readonly from: string; readonly to: string; readonly key: string },
): Promise<Reply> {
  if (moves === "transfer")
    return post(wallet, `/wallets/${from}/transfer`, { to_wallet_id: to, amount: "4" }, { "idempotency-key": key });
  return post(wallet, "/transactions", {
    sender_wallet_id: from,
    receiver_wallet_id: to,
    amount: "4",
    idempotency_key: key,
  });
}

async function expectSettled({ wallet, history }: Bench, saga: string): Promise<void> {
  await until(async () => (await get(wallet, `/transactions/${saga}`)).body.status === "SUCCESS", {
    timeout_ms: REACH_TIMEOUT_MS,
    what: "the saga is settled",
  });
  expect((await get(history, `/ledger/transactions/${saga}`)).body.entries).toHaveLength(2);
}

async function expectMoved({ wallet, history }: Bench, id: string, state: object, version: number): Promise<void> {
  expect((await get(wallet, `/wallets/${id}`)).body).toMatchObject({ ...state, version });
  expect(await historyOf(history, id, version)).toHaveLength(version);
}
