import { DeadlineExceeded } from "./deadline.ts";

/**
 * Applies a list in one call, and finds the one that cannot be applied where the call fails: a fault that passes is
 * waited for, a fault of the data is halved until it stands alone.
 */
export interface HalvingOptions<Item> {
  /** All or nothing, and harmless to repeat. */
  readonly apply: (items: readonly Item[]) => Promise<void>;
  /** Sets aside one that can never be applied, for good. */
  readonly isolate: (item: Item, error: unknown) => Promise<void>;
  /** Called before each further attempt; what it throws ends the work. */
  readonly keepAlive: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Told of each fault that is waited for. */
  readonly onWait?: (error: unknown, pause_ms: number) => void;
}

const FIRST_PAUSE_MS = 50;
/** Short enough that work goes on as soon as the database is back. */
const MOST_PAUSE_MS = 1_000;
/** A list that runs out of time this often is given half as much to do. */
const TIMEOUTS_BEFORE_HALVING = 2;

/** Applies all, in order. @throws what is neither a passing fault nor one of the data, and when the signal is aborted. */
export async function applyHalving<Item>(items: readonly Item[], options: HalvingOptions<Item>): Promise<void> {
  const failure = await patiently(() => options.apply(items), items.length > 1, options);
  if (failure === undefined) return;
  const [only, ...others] = items;
  if (only !== undefined && others.length === 0) {
    const lost = await patiently(() => options.isolate(only, failure.error), false, options);
    // It must not go by unnoticed that something could not even be set aside.
    if (lost !== undefined) throw lost.error;
    return;
  }
  const middle = Math.ceil(items.length / 2);
  await applyHalving(items.slice(0, middle), options);
  await applyHalving(items.slice(middle), options);
}

/** Undefined once the work is done; the error if the list is to be halved. */
async function patiently<Item>(
  work: () => Promise<void>,
  divisible: boolean,
  { keepAlive, signal, onWait }: HalvingOptions<Item>,
): Promise<{ error: unknown } | undefined> {
  let pause_ms = FIRST_PAUSE_MS;
  let timeouts = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      await work();
      return undefined;
    } catch (error) {
      const fault = faultOf(error);
      if (fault === "data") return { error };
      if (fault === "other") throw error;
      if (fault === "timeout" && divisible && ++timeouts >= TIMEOUTS_BEFORE_HALVING) return { error };
      onWait?.(error, pause_ms);
    }
    await Bun.sleep(pause_ms);
    pause_ms = Math.min(pause_ms * 2, MOST_PAUSE_MS);
    await keepAlive();
  }
}

/** 22 data exception, 23 integrity constraint violation, 54 past a limit (JSON nested too deeply), P0001 raised by a function of ours. */
const DATA = /^(22|23|54|P0001)/;
/** 08 connection, 25006 a standby, 40 rollback, 53 resources, 55 not available now, 57 operator, 58 system. */
const PASSING = /^(08|25006|40|53|55|57|58)/;
const TIMEOUT = "57014";
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Whether what the database said is about the data, passes by itself, is a statement that took too long, or anything else. */
export function faultOf(error: unknown): "data" | "passing" | "timeout" | "other" {
  if (error instanceof DeadlineExceeded) return "passing";
  if (typeof error !== "object" || error === null || !("code" in error)) return "other";
  const code = String(error.code);
  // Without a SQLSTATE it is the network's or postgres.js's: the connection is gone, or never was.
  if (!SQLSTATE.test(code)) return "passing";
  if (code === TIMEOUT) return "timeout";
  if (DATA.test(code)) return "data";
  return PASSING.test(code) ? "passing" : "other";
}
