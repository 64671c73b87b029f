import { describe, expect, test } from "bun:test";
import type { Attempt } from "../api/attempts.ts";
import type { Arrival } from "../api/stream.ts";
import type { Entry, HistoryEvent } from "../api/wire.ts";
import { toMovements, tryOf, waysOf } from "./movements.ts";

const event = (more: Partial<HistoryEvent>): HistoryEvent =>
  ({
    id: "e",
    wallet_id: "alice",
    transaction_id: "t1",
    transfer_id: "t1",
    occurred_at: "2026-01-31T12:00:00.000000Z",
    created_at: "2026-01-31T12:00:00.040500Z",
    event_data: { posting: "OWN" },
    ...more,
  }) as HistoryEvent;
const arrival = (more: Partial<HistoryEvent>): Arrival => ({ event: event(more), received_ms: 5 });

const OUT = arrival({});
const IN = arrival({
  event_type: "TRANSFER_IN",
  wallet_id: "bob",
  transaction_id: "t2",
  occurred_at: "2026-01-31T11:59:59.999999Z",
});
const OTHER = arrival({ id: "other", transaction_id: null, transfer_id: null });

describe("events of one movement are shown together", () => {
  test("both sides of a transfer, the payer first, the latest movement first", () => {
    expect(toMovements([OTHER, IN, OUT])).toEqual([
      { id: "other", arrivals: [OTHER] },
      { id: "t1", arrivals: [OUT, IN] },
    ]);
  });
});

describe("the way of an event has the times that are known, and no others", () => {
  const sent = {
    sent_ms: 1,
    answer: { answered_ms: 3, status: 201, replayed: false, value: { id: "t1" }, problem: null },
  };
  const replay = { ...sent, sent_ms: 9 };
  const attempts = [{ key: "k", tries: [sent, replay] }] as unknown as Attempt[];
  const entries = [{ account_id: "bob", transaction_id: "t2", created_at: "2026-01-31T12:00:00.050000Z" }] as Entry[];

  test("asked and answered in this tab, committed, stored, posted, shown", () => {
    expect(tryOf("t1", attempts)).toBe(sent);
    expect(tryOf("t9", attempts)).toBeUndefined();
    const at = Date.UTC(2026, 0, 31, 12);
    const [out, into] = waysOf({ id: "t1", arrivals: [OUT, IN] }, sent, entries);
    expect(out).toMatchObject({ asked_ms: 1, answered_ms: 3, committed_ms: at, stored_ms: at + 40.5, posted_ms: null });
    expect(into).toMatchObject({ asked_ms: null, answered_ms: null, posted_ms: at + 50, shown_ms: 5 });
  });

  test("lines that settle a saga were posted with its reservation, not by themselves", () => {
    const settled = arrival({
      wallet_id: "bob",
      transaction_id: "t2",
      event_data: { posting: "NONE" } as HistoryEvent["event_data"],
    });
    expect(waysOf({ id: "t1", arrivals: [settled] }, undefined, entries)[0]?.posted_ms).toBeNull();
  });
});
