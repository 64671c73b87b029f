import { describe, expect, test } from "bun:test";
import { until } from "../test/until.ts";
import { run } from "./loop.ts";

const patient = { deadline_ms: 60_000, onError: () => undefined };
const AN_HOUR_MS = 3_600_000;

describe("a loop runs when there is something to do", () => {
  test("at once at the start, after the pause that a run asked for, and when it is woken", async () => {
    let runs = 0;
    const loop = run(async () => (++runs < 3 ? 0 : AN_HOUR_MS), patient);
    await until(() => runs === 3);
    loop.wake();
    await until(() => runs === 4);
    await loop.stop(1_000);
    loop.wake();
    await Bun.sleep(10);
    expect(runs).toBe(4);
  });

  test("a wake during a run is not lost", async () => {
    let runs = 0;
    const first = Promise.withResolvers<number>();
    const loop = run(() => (++runs === 1 ? first.promise : Promise.resolve(AN_HOUR_MS)), patient);
    loop.wake();
    first.resolve(AN_HOUR_MS);
    await until(() => runs === 2);
    await loop.stop(1_000);
  });

  test("never twice at the same time", async () => {
    let [now, most, runs] = [0, 0, 0];
    const loop = run(async () => {
      most = Math.max(most, ++now);
      await Bun.sleep(2);
      now--;
      runs++;
      return 0;
    }, patient);
    const waking = setInterval(() => loop.wake(), 1);
    await until(() => runs > 10);
    clearInterval(waking);
    await loop.stop(1_000);
    expect(most).toBe(1);
  });
});

describe("a fault ends by itself", () => {
  test("after a failure comes another run, each later than the one before, however often it is woken", async () => {
    const errors: unknown[] = [];
    const loop = run(() => Promise.reject(new Error("no")), { ...patient, onError: (error) => errors.push(error) });
    const started = performance.now();
    while (performance.now() - started < 300) {
      loop.wake();
      await Bun.sleep(1);
    }
    await loop.stop(1_000);
    expect(errors.length).toBeGreaterThan(1);
    expect(errors.length).toBeLessThan(5);
  });

  test("a run that hangs is given up after its deadline", async () => {
    let runs = 0;
    const errors: unknown[] = [];
    const loop = run(() => (++runs === 1 ? new Promise(() => undefined) : Promise.resolve(AN_HOUR_MS)), {
      deadline_ms: 20,
      onError: (error) => errors.push(error),
    });
    await until(() => runs === 2);
    await loop.stop(1_000);
    expect(errors).toMatchObject([{ name: "DeadlineExceeded" }]);
  });
});

describe("a stop", () => {
  test("waits for the run at work, which is told, and no longer than it may", async () => {
    let ended = false;
    const polite = run(async (signal) => {
      await until(() => signal.aborted);
      ended = true;
      return 0;
    }, patient);
    await polite.stop(5_000);
    expect(ended).toBe(true);
    const deaf = run(() => new Promise(() => undefined), patient);
    await deaf.stop(10);
  });
});
