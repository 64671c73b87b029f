export interface UntilOptions {
  /** How long it may take; 10 s without it. */
  timeout_ms?: number;
  interval_ms?: number;
  /** What is awaited, for the message of a failure: "the event arrives". */
  what?: string;
}

type Truthy<T> = Exclude<T, false | null | undefined | 0 | "">;

/** Calls the function again and again until it answers something truthy, which is returned; what it throws counts as no. */
export async function until<T>(
  look: () => T | Promise<T>,
  { timeout_ms = 10_000, interval_ms = 20, what = look.toString() }: UntilOptions = {},
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeout_ms;
  let last: { value: T } | { error: unknown } | undefined;
  do {
    try {
      const value = await look();
      if (value) return value as Truthy<T>;
      last = { value };
    } catch (error) {
      last = { error };
    }
    await Bun.sleep(interval_ms);
  } while (performance.now() < deadline);
  const failure = "error" in last ? `threw ${Bun.inspect(last.error)}` : `was ${Bun.inspect(last.value)}`;
  throw new Error(`Not within ${timeout_ms} ms: ${what}. The last look ${failure}`);
}
