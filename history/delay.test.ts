import { expect, test } from "bun:test";
import { createDelay } from "./delay.ts";

test("a history whose latest events came late is catching up, until they come in time, or none come any more", () => {
  let time = Date.parse("2026-01-31T09:30:00Z");
  const delay = createDelay(() => time);
  const readOfAge = (...ages_ms: number[]): void =>
    delay.note(ages_ms.map((age_ms) => ({ event: { occurred_at: new Date(time - age_ms).toISOString() } })));
  expect(delay.isCatchingUp()).toBe(false);
  readOfAge(9_000, 2_000);
  expect(delay.isCatchingUp()).toBe(false);
  readOfAge(9_000, 2_001);
  expect(delay.isCatchingUp()).toBe(true);
  readOfAge();
  expect(delay.isCatchingUp()).toBe(true);
  time += 10_000;
  expect(delay.isCatchingUp()).toBe(false);
  readOfAge(60_000);
  expect(delay.isCatchingUp()).toBe(true);
  readOfAge(100);
  expect(delay.isCatchingUp()).toBe(false);
});
