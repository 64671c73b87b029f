import { describe, expect, test } from "bun:test";
import fc from "fast-check";
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

describe("whatever arrives on a topic", () => {
  const SECRET = "4929-secret";
  const anyEvent = fc.constantFrom(...EVENT_TYPES).map((type) => exampleOf(type));
  const headers = fc.dictionary(
    fc.constantFrom("ce_id", "ce_type", "ce_specversion", "ce_source", "traceparent"),
    fc.oneof(fc.string(), fc.constant(SECRET)),
  );
  const isRead = (message: IncomingMessage) => [parseWalletEvent(message), parseLedgerEvent(message)];

  test("any event with any texts and amounts is read back as it was written", () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 15n - 1n });
    const fields = fc.record({
      user_id: fc.string({ unit: "binary" }),
      description: fc.option(fc.string({ unit: "binary" })),
      reference: fc.option(fc.string({ unit: "binary" })),
      balance_after: fc.tuple(digits, fc.integer({ min: 0, max: 9_999 })).map(([before, behind]) => {
        return `${before}.${String(behind).padStart(4, "0")}`;
      }),
      wallet_version: fc.maxSafeInteger().filter((version) => version > 0),
    });
    fc.assert(
      fc.property(fields, (given) => {
        const event = { ...funded, ...given };
        const sent = toMessage({ ...row, payload: JSON.stringify(event) }, SOURCES.wallet);
        const message = { key: Buffer.from(sent.key), value: Buffer.from(sent.value), headers: sent.headers };
        expect<unknown>(parseWalletEvent(message)).toEqual({ ok: true, event, text: sent.value });
      }),
    );
  });

  test("no bytes, keys or headers make it fail, and a refusal does not repeat them", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each)),
      fc.json().map((text) => Buffer.from(text)),
      fc.constant(null),
    );
    fc.assert(
      fc.property(bytes, fc.option(fc.string()), headers, (value, key, said) => {
        const message = { key: key === null ? null : Buffer.from(key), value, headers: said };
        for (const parsed of isRead(message)) expect(parsed.ok).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test("an event with one field that is something else is refused by that field's name, or still an event", () => {
    const other = fc.oneof(fc.constant(SECRET), fc.jsonValue(), fc.constant(undefined));
    fc.assert(
      fc.property(anyEvent, fc.nat(), other, headers, (event, which, put, said) => {
        const names = Object.keys(event);
        const name = names[which % names.length]!;
        const value = Buffer.from(JSON.stringify({ ...event, [name]: put }));
        for (const parsed of isRead({ key: null, value, headers: said })) {
          if (parsed.ok) expect<unknown>(parsed.event).toEqual(JSON.parse(value.toString()));
          else expect(parsed.reason).not.toContain(SECRET);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
