/** One run of one fault: load, the fault until the run counts, and the judgement. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomOf } from "../../workload.ts";
import { Bed } from "./bed.ts";
import type { Fault } from "./fault.ts";
import { judge } from "./judge.ts";
import type { Recovery } from "./recovery.ts";
import { Scene } from "./scene.ts";

/** How much a run must be to count. */
export interface Scale {
  readonly operations: number;
  /** Of what a fault wants beside its operations, this part. */
  readonly part: number;
  /** Requests a second at most. */
  readonly pace: number;
  /** How many times as long as on a machine of its own the recovery may take. */
  readonly patience: number;
}

export const WHOLE: Scale = { operations: 20_000, part: 1, pace: 1_600, patience: 1 };
/** For CI: enough for each fault to strike once under load. */
export const SELECTION: Scale = { operations: 3_000, part: 0.1, pace: 1_000, patience: 2 };

export interface Result {
  readonly fault: Fault;
  readonly seed: number;
  readonly operations: number;
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
  /** The longest of the run's faults. */
  readonly recovery: Recovery;
  readonly figures: ReadonlyMap<string, number>;
  readonly took_s: number;
  /** Empty: passed. */
  readonly wrong: readonly string[];
}

/** Of the operations, so many before the fault first strikes. */
const BEFORE = 0.1;
const MOST_ROUNDS = 20;
const KEPT_LOGS = join(import.meta.dir, "../../../.data/faults");
/** On a busy machine; on a quiet one it takes some 15 s. */
const OPERATIONS_WITHIN_MS = 600_000;
const NOT_MEASURED: Recovery = { wallet_ms: Number.NaN, history_ms: Number.NaN, caught_up_ms: Number.NaN };

/** @param shared the bed of faults that need none of their own */
export async function runFault(
  fault: Fault,
  { shared, folder, seed, scale }: { shared: Bed; folder: string; seed: number; scale: Scale },
): Promise<Result> {
  const from = performance.now();
  let scene: Scene | undefined;
  let close: (() => Promise<void>) | undefined;
  try {
    const own = await bedOf(fault, shared, folder);
    close = own.close;
    const { bed } = own;
    const { pace } = scale;
    scene = await Scene.open({ bed, stage: fault.stage, random: randomOf(seed), label: fault.name, pace });
    const recovery = await play(fault, scene, scale);
    const resentByGateway = fault.stage.through === "gateway";
    const verdict = await judge(scene, { resentByGateway, except: fault.except ?? [] });
    const wrong = [...verdict.wrong, ...late(fault, recovery, scale), ...((await fault.expect?.(scene)) ?? [])];
    if (wrong.length > 0) wrong.push(keepLogs(fault, seed, scene));
    const { operations, unknown } = scene.load;
    const took_s = (performance.now() - from) / 1_000;
    return { fault, seed, operations, unknown, ...verdict, recovery, figures: scene.figures, took_s, wrong };
  } catch (error) {
    return failed(fault, seed, scene, error, (performance.now() - from) / 1_000);
  } finally {
    await scene?.close().catch(() => undefined);
    await close?.();
  }
}

async function bedOf(fault: Fault, shared: Bed, runFolder: string): Promise<{ bed: Bed; close: () => Promise<void> }> {
  if (fault.bed === undefined) {
    await shared.revive();
    return { bed: shared, close: async () => undefined };
  }
  const folder = join(runFolder, fault.name.replaceAll(" ", "-"));
  mkdirSync(folder, { recursive: true });
  const own = await fault.bed(folder);
  const bed = await Bed.open({ folder, runFolder, ...own.options });
  return {
    bed,
    async close() {
      await bed.close();
      await own.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Until the run counts. Gives the longest recovery. */
async function play(fault: Fault, scene: Scene, { operations, part }: Scale): Promise<Recovery> {
  const { load } = scene;
  await load.start();
  await load.reach(operations * BEFORE, OPERATIONS_WITHIN_MS);
  const missing = () =>
    Object.entries(fault.wants).filter(([figure, wanted]) => {
      const reached = figure === "unknown" ? load.unknown : (scene.figures.get(figure) ?? 0);
      return reached < Math.ceil(wanted * part);
    });
  for (let round = 0; round === 0 || missing().length > 0; round += 1) {
    if (round === MOST_ROUNDS) {
      scene.wrong.push(
        `does not count: too few of ${missing()
          .map(([figure]) => figure)
          .join(", ")}`,
      );
      break;
    }
    await fault.strike(scene, round);
    await Promise.all(scene.recoveries);
  }
  await load.reach(operations, OPERATIONS_WITHIN_MS);
  await load.stop();
  const all = await Promise.all(scene.recoveries);
  const longest = (of: (recovery: Recovery) => number) => Math.max(...all.map(of));
  return {
    wallet_ms: longest(({ wallet_ms }) => wallet_ms),
    history_ms: longest(({ history_ms }) => history_ms),
    caught_up_ms: longest(({ caught_up_ms }) => caught_up_ms),
  };
}

/** Whoever looks for the cause needs what the servers said. Says where that is. */
function keepLogs(fault: Fault, seed: number, scene: Scene): string {
  const name = `${fault.name.replaceAll(" ", "-")}-${seed}`;
  const folder = join(KEPT_LOGS, name);
  mkdirSync(folder, { recursive: true });
  for (const slot of scene.slots)
    writeFileSync(join(folder, `${slot.options.service}-${slot.port}.log`), slot.output());
  return `what the servers logged is in .data/faults/${name}`;
}

function late({ goal }: Fault, { wallet_ms, history_ms }: Recovery, { patience }: Scale): string[] {
  const later = (what: string, ms: number, goal_ms: number) =>
    ms <= goal_ms * patience
      ? []
      : [`${what} after ${(ms / 1_000).toFixed(1)} s, not ${(goal_ms * patience) / 1_000} s`];
  return [
    ...later("money moves again", wallet_ms, goal.wallet_ms),
    ...later("the history goes on", history_ms, goal.history_ms),
  ];
}

function failed(fault: Fault, seed: number, scene: Scene | undefined, error: unknown, took_s: number): Result {
  const { operations = 0, unknown = 0 } = scene?.load ?? {};
  const words = [...(scene?.wrong ?? []), ...(scene?.load.wrong ?? []).slice(0, 5), Bun.inspect(error)];
  const outputs = (scene?.slots ?? []).map((slot) => slot.output().slice(-1_000));
  if (scene !== undefined) outputs.push(keepLogs(fault, seed, scene));
  return {
    fault,
    seed,
    operations,
    unknown,
    lost: Number.NaN,
    doubled: Number.NaN,
    recovery: NOT_MEASURED,
    figures: scene?.figures ?? new Map(),
    took_s,
    wrong: [...words, ...outputs],
  };
}
