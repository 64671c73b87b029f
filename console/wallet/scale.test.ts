import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { toMs } from "../time.ts";
import { createScale, eventMarks, heldPath, roundUp, type Step, stepPath, timeMarks, toInstant } from "./scale.ts";

const FRAME = { width: 600, height: 200, left: 50, right: 10, top: 10, bottom: 30 };
const step = (at_ms: number, balance: number): Step => ({
  at_ms,
  balance,
  available: balance,
  event: {} as Step["event"],
});

describe("the chart shows what was, when it was", () => {
  const steps = [step(1_000, 0), step(2_000, 50), step(4_000, 20)];
  const scale = createScale(steps, 5_000, FRAME);

  test("the span is from the first event until now, and heights from zero to a round number", () => {
    expect([scale.from_ms, scale.to_ms, scale.max]).toEqual([1_000, 5_000, 50]);
    expect([scale.x(1_000), scale.x(5_000), scale.y(0), scale.y(50)]).toEqual([50, 590, 170, 10]);
  });

  test("the line is level between two events", () => {
    expect(stepPath(steps, ({ balance }) => balance, scale)).toBe(
      "M50.0 170.0L185.0 170.0L185.0 10.0L455.0 10.0L455.0 106.0L590.0 106.0",
    );
  });

  test("what is held is a level line below, as long as it lasts", () => {
    const held = [step(1_000, 50), { ...step(2_000, 50), available: 10 }, step(4_000, 10)];
    expect(heldPath(held, createScale(held, 5_000, FRAME))).toBe("M185.0 138.0L455.0 138.0");
    expect(heldPath(steps, scale)).toBe("");
  });

  test("a pixel leads to its moment and back, and no further than the chart", () => {
    fc.assert(
      fc.property(fc.double({ min: 1_000, max: 5_000, noNaN: true }), (at) => {
        expect(scale.momentAt(scale.x(at))).toBeCloseTo(at, 5);
      }),
    );
    expect([scale.momentAt(-100), scale.momentAt(10_000)]).toEqual([1_000, 5_000]);
  });

  test("by event, each has the same room, however much time lies between", () => {
    const even = createScale(steps, 5_000, FRAME, "events");
    expect([1_000, 2_000, 3_000, 4_000, 5_000].map(even.x)).toEqual([50, 230, 320, 410, 590]);
    expect([50, 230, 320, 410, 590].map(even.momentAt)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
    expect(eventMarks(steps, 2)).toEqual([1_000, 4_000]);
  });

  test("a wallet without events has a scale too", () => {
    const empty = createScale([], 5_000, FRAME);
    expect([empty.to_ms - empty.from_ms, empty.max]).toEqual([1_000, 1]);
  });
});

describe("marks are easy to read", () => {
  test("heights end at 1, 2, 2.5 or 5 times a power of ten, never below the value", () => {
    expect([0, 0.3, 1, 17, 230, 251, 999, 1_001].map(roundUp)).toEqual([1, 0.5, 1, 20, 250, 500, 1_000, 2_000]);
  });

  test("times are within the span and not more than asked for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: 1_000, max: 1e11 }), (from, span) => {
        const marks = timeMarks(createScale([step(from, 1)], from + span, FRAME), 5);
        expect(marks.length).toBeLessThanOrEqual(6);
        for (const mark of marks) expect(mark >= from && mark <= from + span).toBe(true);
      }),
    );
  });
});

test("the moment of an event comes back to the microsecond", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(2020), max: Date.UTC(2100) }),
      fc.integer({ min: 0, max: 999 }),
      (ms, us) => {
        const instant = new Date(ms).toISOString().replace("Z", `${String(us).padStart(3, "0")}Z`);
        expect(toInstant(toMs(instant))).toBe(instant);
      },
    ),
  );
});
