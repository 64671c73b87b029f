import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnService, until } from "../cluster.ts";
import { type ReceivedSpan, type Receiver, startReceiver } from "./otlp-receiver.ts";
import { type Ground, get, isAtWork, openFunded, post, prepareGround, type RunningSystem, stopAll } from "./system.ts";

describe("a receiver of OTLP sees the whole way of a request", () => {
  let ground: Ground;
  let receiver: Receiver;
  let system: RunningSystem;
  let sender: string;
  let receiving: string;

  const start = async (env: Readonly<Record<string, string>>): Promise<RunningSystem> => {
    const [wallet, history] = await Promise.all([spawnService("wallet", env), spawnService("history", env)]);
    await Promise.all([wallet, history].map(isAtWork));
    return { ...ground, wallet, history };
  };

  beforeAll(async () => {
    receiver = startReceiver();
    ground = await prepareGround("spans");
    system = await start({ ...ground.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    sender = await openFunded(system.wallet, "ann", "10");
    receiving = await openFunded(system.wallet, "bob", "10");
  });
  afterAll(async () => {
    await stopAll(ground, system?.wallet, system?.history);
    await receiver?.stop();
  });

  const CALLER = "00f067aa0ba902b7";
  const newTrace = (): string => crypto.randomUUID().replaceAll("-", "");

  /** The spans of a trace, once there are as many. */
  async function spansOf(trace: string, count: number): Promise<ReceivedSpan[]> {
    const found = () => receiver.spans.filter(({ traceId }) => traceId === trace);
    await until(async () => found().length >= count, { what: `${count} spans of the trace` });
    return found();
  }

  /** Each span as the names from the request down to it. */
  function paths(spans: readonly ReceivedSpan[]): string[] {
    const pathOf = (span: ReceivedSpan): string => {
      const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
      const name = `${span.service}: ${span.name}`;
      return parent === undefined ? name : `${pathOf(parent)} > ${name}`;
    };
    return spans.map(pathOf).sort();
  }

  test("of a saga: request, commit, outbox, topic, ledger, and back to the settlement and its events", async () => {
    const trace = newTrace();
    const body = { sender_wallet_id: sender, receiver_wallet_id: receiving, amount: "1", idempotency_key: trace };
    const saga = await post(system.wallet, "/transactions", body, {
      prefer: "wait=20",
      traceparent: `00-${trace}-${CALLER}-01`,
    });
    expect(saga.body.status).toBe("SUCCESS");

    const spans = await spansOf(trace, 14);
    const request = "wallet: POST";
    const reserved = `${request} > wallet: send wallet-events`.replace("wallet-events", topic("KAFKA_TOPIC"));
    const read = `${reserved} > history: process ${topic("KAFKA_TOPIC")}`;
    const decided = `${read} > history: send ${topic("KAFKA_LEDGER_TOPIC")}`;
    const settled = `${decided} > wallet: process ${topic("KAFKA_LEDGER_TOPIC")}`;
    const told = `${settled} > wallet: send ${topic("KAFKA_TOPIC")}`;
    const stored = `${told} > history: process ${topic("KAFKA_TOPIC")}`;
    expect(paths(spans)).toEqual(
      [
        request,
        `${request} > wallet: group commit`,
        `${request} > wallet: wait in outbox`,
        reserved,
        read,
        `${read} > history: wait in outbox`,
        decided,
        settled,
        `${settled} > wallet: group commit`,
        // One event for each of the two wallets.
        ...[1, 2].flatMap(() => [`${settled} > wallet: wait in outbox`, told, stored]),
      ].sort(),
    );
    const [first] = spans.filter(({ name }) => name === "POST");
    expect(first).toMatchObject({
      parentSpanId: CALLER,
      failed: false,
      attributes: { "http.route": "/transactions", "http.response.status_code": 202 },
    });
    for (const { startedAt_ms, endedAt_ms } of spans) expect(endedAt_ms).toBeGreaterThanOrEqual(startedAt_ms);
  });

  test("of requests that share a call of the database, which has links to them", async () => {
    const traces = [newTrace(), newTrace(), newTrace()];
    const funded = await Promise.all(
      traces.map((trace) =>
        post(system.wallet, `/wallets/${sender}/fund`, { amount: "1" }, { traceparent: `00-${trace}-${CALLER}-01` }),
      ),
    );
    expect(funded.map(({ status }) => status)).toEqual([201, 201, 201]);
    const linked = () =>
      receiver.spans.filter(({ name }) => name === "call apply_operations").flatMap(({ links }) => links);
    await until(async () => traces.every((trace) => linked().includes(trace)), {
      what: "links to each of the requests",
    });
  });

  test("none of what the caller has decided not to record, and none where there is no receiver", async () => {
    const trace = newTrace();
    const unrecorded = { traceparent: `00-${trace}-${CALLER}-00` };
    expect((await post(system.wallet, `/wallets/${sender}/fund`, { amount: "1" }, unrecorded)).status).toBe(201);
    // What comes later is sent no earlier.
    const later = newTrace();
    await post(system.wallet, `/wallets/${sender}/fund`, { amount: "1" }, { traceparent: `00-${later}-${CALLER}-01` });
    await spansOf(later, 5);
    expect(receiver.spans.filter(({ traceId }) => traceId === trace)).toEqual([]);
  });

  test("a receiver that is away costs the traces and nothing else", async () => {
    const env = { ...ground.env, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
    const wallet = await spawnService("wallet", env);
    try {
      await isAtWork(wallet);
      expect((await post(wallet, `/wallets/${sender}/fund`, { amount: "1" })).status).toBe(201);
      expect((await get(wallet, `/wallets/${sender}`)).status).toBe(200);
      expect(await wallet.kill()).toBe(0);
    } finally {
      await wallet.kill("SIGKILL");
    }
  });

  const topic = (variable: string): string => String(ground.env[variable]);
});
