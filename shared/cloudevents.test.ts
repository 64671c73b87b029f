import { describe, expect, test } from "bun:test";
import { exampleOf } from "../events/examples.ts";
import { type IncomingMessage, parseLedgerEvent, parseWalletEvent, SOURCES, toMessage } from "./cloudevents.ts";
import { EVENT_TYPES, isLedgerType } from "./events.ts";

const funded = exampleOf("WALLET_FUNDED");
const row = {
  event_id: funded.id,
  aggregate_id: funded.wallet_id,
  type: funded.type,
  payload: `{ "padded":  true, ${JSON.stringify(funded).slice(1)}`,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

function received(
  change: Partial<{ key: string | null; value: string | Buffer | null; headers: Record<string, string> }> = {},
): IncomingMessage {
  const sent = toMessage(row, SOURCES.wallet);
  const { key, value, headers } = { ...sent, ...change };
  return { key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), headers };
}

describe("an event as a message", () => {
  test("has the headers of CloudEvents 1.0 and exactly the payload's bytes", () => {
    expect(toMessage(row, SOURCES.wallet)).toEqual({
      key: funded.wallet_id,
      value: row.payload,
      headers: {
        ce_specversion: "1.0",
        ce_id: funded.id,
        ce_source: "urn:wallet:wallet-service",
        ce_type: "WALLET_FUNDED",
        ce_subject: funded.wallet_id,
        ce_time: funded.occurred_at,
        "content-type": "application/json",
        traceparent: row.traceparent,
      },
    });
    expect(toMessage({ ...row, traceparent: null }, SOURCES.wallet).headers).not.toHaveProperty("traceparent");
  });

  test.each([...EVENT_TYPES])("%s is read back as it was, on its own topic only", (type) => {
    const event = exampleOf(type);
    const payload = JSON.stringify(event);
    const sent = toMessage(
      { event_id: event.id, aggregate_id: event.wallet_id, type, payload, traceparent: null },
      SOURCES.history,
    );
    const message = { key: Buffer.from(sent.key), value: Buffer.from(sent.value), headers: sent.headers };
    const [own, other] = isLedgerType(type)
      ? [parseLedgerEvent(message), parseWalletEvent(message)]
      : [parseWalletEvent(message), parseLedgerEvent(message)];
    expect(own).toEqual({ ok: true, event, text: payload } as typeof own);
    expect(other.ok).toBe(false);
  });

  test("may have fields that this version does not know, and neither key nor headers", () => {
    const message = received();
    expect(parseWalletEvent(message)).toMatchObject({ ok: true, text: row.payload });
    expect(parseWalletEvent({ ...message, key: null, headers: {} }).ok).toBe(true);
  });
});

describe("a message that is no event is refused with a reason that does not repeat it", () => {
  const change = (fields: object) => received({ value: JSON.stringify({ ...funded, ...fields }) });
  test.each([
    ["no value", received({ value: null }), "the message has no value"],
    ["no UTF-8", received({ value: Buffer.from([0x22, 0xff, 0x22]) }), "the value is not UTF-8"],
    ["no JSON", received({ value: "{" }), "the value is not JSON"],
    ["a byte order mark", received({ value: `\uFEFF${row.payload}` }), "the value is not JSON"],
    ["null", received({ value: "null" }), "the value is no event of this topic"],
    ["a type of its own", change({ type: "TOTALLY_NEW" }), "the value is no event of this topic"],
    ["a prototype's name for a type", change({ type: "constructor" }), "the value is no event of this topic"],
    ["a number for an amount", change({ amount: 10 }), "the event breaks its schema at /amount"],
    ["a third decimal", change({ amount: "10.000" }), "the event breaks its schema at /amount"],
    ["version 0", change({ wallet_version: 0 }), "the event breaks its schema at /wallet_version"],
    ["a funding with another posting", change({ posting: "SAGA" }), "the event breaks its schema at /posting"],
    ["another key", received({ key: "x" }), "the key is not the wallet's id"],
    ["another ce_id", received({ headers: { ce_id: "x" } }), "ce_id is not the event's id"],
    ["another ce_type", received({ headers: { ce_type: "x" } }), "ce_type is not the event's type"],
    ["another version of CloudEvents", received({ headers: { ce_specversion: "0.3" } }), "ce_specversion is not 1.0"],
  ])("%s", (_, message, reason) => {
    expect(parseWalletEvent(message)).toEqual({ ok: false, reason });
  });
});
