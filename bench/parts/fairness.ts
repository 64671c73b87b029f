/** Whether one client's load is another's delay: a probe of few transfers beside loads that have nothing to do with it. */
import { join } from "node:path";
import { runClosedLoop } from "../load/closed.ts";
import { hostileClients } from "../load/hostile.ts";
import { type Latency, Samples } from "../load/latency.ts";
import { type PlannedRequest, transfersBetween, writeRequests } from "../load/requests.ts";
import { type Bench, measureOpen } from "../measure.ts";
import { openLoop, post } from "../open-loop.ts";
import { type RunningSystem, startSystem } from "../system.ts";

export interface FairnessResult {
  /** A probe between other wallets, beside each background. */
  readonly probes: readonly Probe[];
  /** p99 beside the hot wallet over p99 beside the same load spread out. */
  readonly hot_slowdown: number;
  /** p99 beside slow and huge requests over p99 beside nothing. */
  readonly hostile_slowdown: number;
  /** From the request to the final state, alone and beside a full load of client operations. */
  readonly sagas: readonly SagaProbe[];
}

interface Probe {
  readonly background: string;
  /** Of the background, answers per second. */
  readonly background_per_second: number;
  readonly latency_ms: Latency;
  readonly failed: number;
}

interface SagaProbe {
  readonly background: string;
  readonly ended: number;
  readonly failed: number;
  readonly latency_ms: Latency;
}

const PROBE_RATE = 100;
const BACKGROUND_CONNECTIONS = 64;
const FULL_CONNECTIONS = 256;
const SAGA_RATE = 20;
const SAGA_WAIT_S = 20;
/** The background runs for this much longer than the probe, so that the probe never runs without it. */
const MARGIN_S = 2;

export async function measureFairness(bench: Bench): Promise<FairnessResult> {
  const { ground } = bench;
  const whole = await startSystem(ground, "fairness");
  const half = Math.floor(ground.wallets.length / 2);
  const [busy, others] = [ground.wallets.slice(0, half), ground.wallets.slice(half)];
  const probe = (background: string, load: readonly PlannedRequest[] | null) =>
    probeBeside(bench, whole, { background, load, probes: transfersBetween(others, "uniform") });

  const idle = await probe("nothing", null);
  const spread = await probe("transfers between other wallets", transfersBetween(busy, "uniform"));
  const hot = await probe("transfers into one hot wallet", transfersBetween(busy, "hot"));
  const hostile = hostileClients(whole.wallet.url, ground.wallets[0] ?? "");
  const beside = await probe("slow and huge requests", null);
  await hostile.stop();
  const sagas = [
    await sagasBeside(bench, whole, others, null),
    await sagasBeside(bench, whole, others, transfersBetween(busy, "uniform")),
  ];
  await whole.stop();
  return {
    probes: [idle, spread, hot, { ...beside, background: `slow and huge requests (${hostile.sent()} huge)` }],
    hot_slowdown: ratio(hot.latency_ms.p99, spread.latency_ms.p99),
    hostile_slowdown: ratio(beside.latency_ms.p99, idle.latency_ms.p99),
    sagas,
  };
}

async function probeBeside(
  bench: Bench,
  whole: RunningSystem,
  asked: { background: string; load: readonly PlannedRequest[] | null; probes: readonly PlannedRequest[] },
): Promise<Probe> {
  await whole.drained();
  const { plan, say } = bench;
  const background = startBackground(bench, whole, asked.load, BACKGROUND_CONNECTIONS);
  const servers = [whole.wallet, whole.history];
  const phases = [
    { rate: PROBE_RATE, seconds: MARGIN_S / 2 },
    { rate: PROBE_RATE, seconds: plan.open_s },
  ];
  const { result } = await measureOpen(bench, {
    target: "probe",
    workload: "uniform",
    servers,
    requests: asked.probes,
    phases,
  });
  const counts = result.phases[1];
  if (counts === undefined) throw new Error("the probe has no second phase");
  const { latency_ms } = counts;
  const failed = counts.planned - counts.good;
  say(
    `probe beside ${asked.background}: p50 ${latency_ms.p50.toFixed(1)} ms, p99 ${latency_ms.p99.toFixed(1)} ms, ${failed} failed`,
  );
  return {
    background: asked.background,
    background_per_second: (await background)?.per_second ?? 0,
    latency_ms,
    failed,
  };
}

function startBackground(
  { ground, plan }: Bench,
  whole: RunningSystem,
  load: readonly PlannedRequest[] | null,
  connections: number,
) {
  if (load === null) return Promise.resolve(null);
  const requests = writeRequests(join(ground.folder, "requests", `${crypto.randomUUID()}.txt`), load);
  return runClosedLoop(ground.processes, {
    url: whole.wallet.url,
    requests,
    connections,
    seconds: plan.open_s + MARGIN_S,
  });
}

/** Sagas at a fixed rate, each followed to its end by `Prefer: wait`. */
async function sagasBeside(
  bench: Bench,
  whole: RunningSystem,
  wallets: readonly string[],
  load: readonly PlannedRequest[] | null,
): Promise<SagaProbe> {
  await whole.drained();
  const background = startBackground(bench, whole, load, FULL_CONNECTIONS);
  const samples = new Samples();
  const once = async (index: number, planned: number): Promise<void> => {
    const body = {
      sender_wallet_id: wallets[index % wallets.length],
      receiver_wallet_id: wallets[(index + 1) % wallets.length],
      amount: "0.01",
      idempotency_key: crypto.randomUUID(),
    };
    const saga = await post(`${whole.wallet.url}/transactions`, body, { prefer: `wait=${SAGA_WAIT_S}` });
    if (saga.status !== "SUCCESS") throw new Error(`a saga is ${String(saga.status)} after ${SAGA_WAIT_S} s`);
    samples.add(performance.now() - planned);
  };
  const { failures } = await openLoop(SAGA_RATE * bench.plan.open_s, SAGA_RATE, once);
  await background;
  const probe = {
    background: load === null ? "nothing" : `transfers on ${FULL_CONNECTIONS} connections`,
    ended: samples.count,
    failed: failures.length,
    latency_ms: samples.latency(),
  };
  bench.say(`sagas beside ${probe.background}: p99 ${probe.latency_ms.p99.toFixed(0)} ms, ${probe.failed} failed`);
  return probe;
}

function ratio(one: number, other: number): number {
  return other > 0 ? one / other : 0;
}
