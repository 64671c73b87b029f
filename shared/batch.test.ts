import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { applyHalving } from "./batch.ts";
import { DeadlineExceeded } from "./deadline.ts";

const sqlError = (code: string) => Object.assign(new Error(code), { code });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A store that takes a list as a whole or not at all; what is bad in it, and the faults that come first, are given. */
function store(bad: ReadonlySet<number>, faults: unknown[] = []) {
  const stored: number[] = [];
  const isolated: number[] = [];
  let calls = 0;
  let alive = 0;
  const options = {
    apply: async (items: readonly number[]) => {
      calls++;
      if (faults.length > 0) throw faults.shift();
      if (items.some((item) => bad.has(item))) throw sqlError("22P02");
      stored.push(...items);
    },
    isolate: async (item: number) => {
      isolated.push(item);
    },
    keepAlive: async () => {
      alive++;
    },
    signal: new AbortController().signal,
  };
  return { options, stored, isolated, calls: () => calls, alive: () => alive };
}

describe("one bad message does not stop the others", () => {
  test("whichever they are: all others are applied once, in order, and the bad ones are set aside", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.uniqueArray(fc.nat(59)), async (count, bad) => {
        const { options, stored, isolated } = store(new Set(bad));
        await applyHalving(numbers(count), options);
        expect(stored).toEqual(numbers(count).filter((item) => !bad.includes(item)));
        expect(isolated).toEqual(numbers(count).filter((item) => bad.includes(item)));
      }),
    );
  });

  test("one among a thousand is found in some twenty calls", async () => {
    const { options, isolated, calls } = store(new Set([777]));
    await applyHalving(numbers(1_000), options);
    expect(isolated).toEqual([777]);
    expect(calls()).toBeLessThanOrEqual(21);
  });
});

describe("a fault that passes is waited for", () => {
  test.each(["08006", "40001", "40P01", "53300", "55P03", "57P01", "25006", "CONNECTION_CLOSED", "ECONNREFUSED"])(
    "%s: the same list again, and the group is told meanwhile",
    async (code) => {
      const { options, stored, isolated, calls, alive } = store(new Set(), [sqlError(code)]);
      await applyHalving(numbers(10), options);
      expect([stored, isolated, calls(), alive()]).toEqual([numbers(10), [], 2, 1]);
    },
  );

  test("also a call that did not come back, and one in the middle of the halving", async () => {
    const late = store(new Set([3]), [sqlError("22P02"), new DeadlineExceeded("the call", 1)]);
    await applyHalving(numbers(8), late.options);
    expect(late.stored).toEqual([0, 1, 2, 4, 5, 6, 7]);
    expect(late.isolated).toEqual([3]);
  });

  test("a list that runs out of time again and again gets smaller, and nothing is set aside for it", async () => {
    const { options, stored, isolated } = store(new Set());
    await applyHalving(numbers(8), {
      ...options,
      apply: (items) => (items.length > 2 ? Promise.reject(sqlError("57014")) : options.apply(items)),
    });
    expect(stored).toEqual(numbers(8));
    expect(isolated).toEqual([]);
  });

  test("until the consumer is to stop, or the partition is another's", async () => {
    const stop = new AbortController();
    const { options } = store(new Set());
    const down = { ...options, apply: () => Promise.reject(sqlError("57P01")) };
    const stopped = applyHalving(numbers(2), { ...down, signal: stop.signal });
    stop.abort(new Error("stop"));
    await expect(stopped).rejects.toThrow("stop");
    const gone = applyHalving(numbers(2), { ...down, keepAlive: () => Promise.reject(new Error("rebalanced")) });
    await expect(gone).rejects.toThrow("rebalanced");
  });
});

describe("what is nobody's fault but ours is not blamed on a message", () => {
  test.each([
    ["a missing table", sqlError("42P01")],
    ["a missing right", sqlError("42501")],
    ["a mistake in the code", new TypeError("x is undefined")],
  ])("%s", async (_, error) => {
    const { options, isolated } = store(new Set(), [error]);
    await expect(applyHalving(numbers(4), options)).rejects.toBe(error);
    expect(isolated).toEqual([]);
  });
});
