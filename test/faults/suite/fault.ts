import type { BedOptions } from "./bed.ts";
import type { Scene, Stage } from "./scene.ts";

/** One fault: what is done to the system, on which stage, and what a run must have brought about to count. */
export interface Fault {
  readonly name: string;
  /** What is done, for the table of docs/faults.md. */
  readonly does: string;
  readonly stage: Stage;
  /**
   * Does it once, and tells the scene when the fault is over; called again until the run counts. What it throws, and what
   * it adds to what is wrong, fails the run.
   */
  readonly strike: (scene: Scene, round: number) => Promise<void>;
  /** What a run must bring about at least, beside its operations: unknown outcomes, takeovers, lost replies. */
  readonly wants: Readonly<Record<string, number>>;
  /** How long, after the end of the fault, until a change of money succeeds and until the history stores an event. */
  readonly goal: { readonly wallet_ms: number; readonly history_ms: number };
  /** Whether it is one of those that CI runs, with fewer operations. */
  readonly selected?: true;
  /** A PostgreSQL of its own: on a small disk, by another clock. Gives what has to be ended with it, too. */
  readonly bed?: (folder: string) => Promise<OwnBed>;
  /** Checks of `bun run check` that the fault makes fail. */
  readonly except?: readonly string[];
  /** What must hold at the end beside everything that always must; gives what does not. */
  readonly expect?: (scene: Scene) => Promise<string[]>;
}

export interface OwnBed {
  readonly options: Partial<BedOptions>;
  readonly close: () => Promise<void>;
}

/** Of one service one process, or two that share its work. */
export const ONE_OF_EACH: Stage = { wallets: 1, histories: 1 };
export const TWO_OF_EACH: Stage = { wallets: 2, histories: 2 };

/** A server that is started again at once is at work within this time, and its place in its group is free again. */
export const AFTER_A_SERVER = { wallet_ms: 5_000, history_ms: 15_000 };
export const AFTER_THE_DATABASE = { wallet_ms: 5_000, history_ms: 5_000 };
export const AFTER_THE_BROKER = { wallet_ms: 5_000, history_ms: 10_000 };

/** Between two moments, in milliseconds. */
export function between(scene: Pick<Scene, "random">, least: number, most: number): Promise<void> {
  return Bun.sleep(least + scene.random() * (most - least));
}
