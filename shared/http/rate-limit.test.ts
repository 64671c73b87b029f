import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLimiter, parseRateLimit, quotaHeaders, type RateLimit, retryAfter } from "./rate-limit.ts";

const TEN = { requests: 10, window_ms: 1_000, burst: 20 };

/** A limiter with a clock of the test's. */
function limiterOf(limit: RateLimit, room?: number) {
  let now = 5_000;
  const limiter = createLimiter(limit, () => now, room);
  return {
    ...limiter,
    wait: (ms: number) => {
      now += ms;
    },
    allowed: (client: string, times: number) =>
      Array.from({ length: times }, () => limiter.take(client)).filter(({ allowed }) => allowed).length,
  };
}

describe("a client may send a burst, and then as much as the rate", () => {
  test("what it has not used comes back with time, up to the burst", () => {
    const { allowed, wait } = limiterOf(TEN);
    expect(allowed("a", 30)).toBe(20);
    wait(100);
    expect(allowed("a", 5)).toBe(1);
    wait(1_000);
    expect(allowed("a", 50)).toBe(10);
    wait(3_600_000);
    expect(allowed("a", 50)).toBe(20);
  });

  test("the others are not concerned", () => {
    const { allowed } = limiterOf(TEN);
    expect([allowed("a", 100), allowed("b", 100)]).toEqual([20, 20]);
  });

  test("it is told what is left, and when to come again", () => {
    const { take, wait, allowed } = limiterOf(TEN);
    expect(take("a")).toEqual({ allowed: true, remaining: 19, reset_ms: 100, retry_ms: 0 });
    allowed("a", 19);
    wait(30);
    const refused = take("a");
    expect(refused).toEqual({ allowed: false, remaining: 0, reset_ms: 1_970, retry_ms: 70 });
    wait(refused.retry_ms);
    expect(take("a").allowed).toBe(true);
  });

  test("no schedule gets more than the burst and the rate allow, and none that keeps to the rate is refused", () => {
    const limits = fc.record({
      requests: fc.integer({ min: 1, max: 1_000 }),
      window_ms: fc.constantFrom(1_000, 60_000),
      burst: fc.integer({ min: 1, max: 500 }),
    });
    const pauses = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(limits, pauses, (limit, waits) => {
        const { take, wait } = limiterOf(limit);
        const interval_ms = limit.window_ms / limit.requests;
        let [passed_ms, allowed] = [0, 0];
        for (const pause_ms of waits) {
          wait(pause_ms);
          passed_ms += pause_ms;
          if (take("eager").allowed) allowed += 1;
          expect(allowed).toBeLessThanOrEqual(limit.burst + passed_ms / interval_ms + 0.01);
        }
        for (let sent = 0; sent < 50; sent += 1) {
          expect(take("steady").allowed).toBe(true);
          wait(interval_ms + 0.001);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("what is kept of clients has a bound", () => {
  test("those who have rested are forgotten, and lose nothing by it", () => {
    const { take, wait, clients } = limiterOf(TEN, 100);
    for (let each = 0; each < 100; each += 1) take(`old ${each}`);
    wait(10_000);
    take("new");
    expect(clients()).toBe(1);
    expect(take("old 1").remaining).toBe(19);
  });

  test("strangers without number share one quota, and push nobody out", () => {
    const { allowed, clients, take } = limiterOf(TEN, 100);
    expect(allowed("first", 20)).toBe(20);
    let let_in = 0;
    for (let each = 0; each < 10_000; each += 1) let_in += allowed(`stranger ${each}`, 1);
    expect(let_in).toBe(99 + 20);
    expect(clients()).toBeLessThanOrEqual(101);
    expect(take("first").allowed).toBe(false);
  });
});

describe("a limit in words", () => {
  test.each([
    ["100/s", { requests: 100, window_ms: 1_000, burst: 100 }, '"default";q=100;w=1'],
    ["100/s burst 300", { requests: 100, window_ms: 1_000, burst: 300 }, '"default";q=300;w=3'],
    ["6000/m burst 50", { requests: 6000, window_ms: 60_000, burst: 50 }, '"default";q=50;w=1'],
    ["1000/h", { requests: 1000, window_ms: 3_600_000, burst: 1000 }, '"default";q=1000;w=3600'],
  ])("%s", (text, limit, policy) => {
    expect(parseRateLimit(text)).toEqual({ ok: true, value: limit });
    const headers = quotaHeaders(limit)({ allowed: true, remaining: 7, reset_ms: 1_200, retry_ms: 0 });
    expect(headers).toEqual({ "ratelimit-policy": policy, ratelimit: '"default";r=7;t=2' });
  });

  test.each(["", "100", "100/d", "-1/s", "0/s", "1e3/s", "100/s burst 0", "100/s  burst 5", "99999999/s"])(
    "%p is none",
    (text) => expect(parseRateLimit(text).ok).toBe(false),
  );

  test("to come again is told in whole seconds, and never at once", () => {
    const quota = { allowed: false, remaining: 0, reset_ms: 0 };
    expect([1, 999, 1_001].map((retry_ms) => retryAfter({ ...quota, retry_ms }))).toEqual(["1", "1", "2"]);
  });
});
