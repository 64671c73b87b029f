import { describe, expect, test } from "bun:test";
import type { Entry, HistoryEvent, Saga } from "../api/wire.ts";
import { stepsOf } from "./steps.ts";

const saga = (status: Saga["status"], failure_code: string | null = null) =>
  ({ status, failure_code, created_at: "t0", updated_at: "t9" }) as Saga;
const event = (event_type: HistoryEvent["event_type"], occurred_at: string) =>
  ({ event_type, occurred_at }) as HistoryEvent;
const told = (facts: Parameters<typeof stepsOf>[0]) =>
  stepsOf(facts).map(({ title, state, at }) => `${title} ${state} ${at}`);
const HELD = event("WALLET_RESERVED", "t1");

describe("a saga is shown step by step", () => {
  test("before the ledger has decided", () => {
    expect(told({ saga: saga("INITIATED"), events: [], entries: [] })).toEqual([
      "Asked done t0",
      "Held done t0",
      "Decision next null",
      "Settlement waiting null",
    ]);
  });

  test("when it has succeeded", () => {
    const entries = [{ created_at: "t2" }] as Entry[];
    const events = [HELD, event("TRANSFER_OUT", "t3"), event("TRANSFER_IN", "t3")];
    expect(told({ saga: saga("SUCCESS"), events, entries })).toEqual([
      "Asked done t0",
      "Held done t1",
      "Decided done t2",
      "Settled done t3",
    ]);
  });

  test("when the ledger has refused", () => {
    const events = [HELD, event("RESERVATION_RELEASED", "t3")];
    expect(told({ saga: saga("FAILED", "account_frozen"), events, entries: [] })).toEqual([
      "Asked done t0",
      "Held done t1",
      "Refused by the ledger refused null",
      "Released done t3",
    ]);
  });

  test("when there was not enough to hold", () => {
    const events = [event("TRANSFER_FAILED", "t1")];
    expect(told({ saga: saga("FAILED", "insufficient_funds"), events, entries: [] })).toEqual([
      "Asked done t0",
      "Refused at once refused t9",
    ]);
  });
});
