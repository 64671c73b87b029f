import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Processes } from "../processes.ts";
import { runClosedLoop } from "./closed.ts";
import { runClient } from "./closed-client.ts";
import { Samples } from "./latency.ts";
import { type OpenOptions, runOpenLoop } from "./open.ts";
import { readRequests, transfersBetween, writeRequests } from "./requests.ts";

const folder = mkdtempSync(join(tmpdir(), "load-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WALLETS = Array.from({ length: 50 }, (_, at) => `00000000-0000-7000-8000-${String(at).padStart(12, "0")}`);
const requests = writeRequests(join(folder, "requests.txt"), transfersBetween(WALLETS, "uniform", 500));

interface Seen {
  readonly path: string;
  readonly key: string | null;
  readonly body: string;
}

/** A server that says what it was asked, and answers as told. */
function listen(answer: (number: number) => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      seen.push({ path: pathname, key: request.headers.get("idempotency-key"), body: await request.text() });
      return answer(seen.length);
    },
  });
  return { seen, url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

const created = (): Response => new Response('{"id":"x"}', { status: 201 });

function expectTransfers(seen: readonly Seen[]): void {
  const planned = new Set(readRequests(requests).map(({ path, body }) => path + body));
  expect(seen.every(({ path, body }) => planned.has(path + body))).toBe(true);
  expect(new Set(seen.map(({ key }) => key)).size).toBe(seen.length);
  expect(seen.every(({ key }) => key !== null && key.length > 10)).toBe(true);
}

describe("a closed loop", () => {
  test("sends planned requests, each under a key of its own, and counts what was refused", async () => {
    const server = listen((number) => (number % 10 === 0 ? new Response("{}", { status: 422 }) : created()));
    const processes = new Processes(join(folder, "servers"));
    const load = await runClosedLoop(processes, { url: server.url, requests, connections: 4, seconds: 1 });
    await server.stop();
    expectTransfers(server.seen);
    // Those under way at the end were seen, and are not counted.
    expect(server.seen.length - load.requests).toBeLessThanOrEqual(4);
    expect(Math.abs(load.errors - server.seen.length / 10)).toBeLessThanOrEqual(4);
    expect(load.per_second).toBeLessThan(load.requests / load.seconds);
  });

  test("does the same where wrk is not installed", async () => {
    const server = listen((number) => (number % 10 === 0 ? new Response("{}", { status: 422 }) : created()));
    const result = await runClient({ url: server.url, requests, connections: 4, seconds: 1, key: "of-this-run-" });
    await server.stop();
    expectTransfers(server.seen);
    expect(result.requests).toBe(server.seen.length);
    expect(result.status).toBe(Math.floor(server.seen.length / 10));
  });
});

describe("an open loop", () => {
  const options = (url: string): OpenOptions => ({
    url,
    requests,
    phases: [{ rate: 200, seconds: 1 }],
    connections: 50,
    deadline_ms: 5_000,
    key: "of-this-run-",
  });

  test("sends every request and tells apart what became of it", async () => {
    const server = listen((number) => {
      if (number % 10 === 0) return new Response("{}", { status: 503, headers: { "Retry-After": "1" } });
      if (number % 10 === 1) return new Response("{}", { status: 503 });
      return number % 10 === 2 ? new Response("{}", { status: 500 }) : created();
    });
    const { phases, slots } = await runOpenLoop(options(server.url));
    await server.stop();
    expectTransfers(server.seen);
    expect(phases[0]).toMatchObject({ planned: 200, good: 140, refused: 40, without_retry_after: 20, failed: 20 });
    expect(slots.map(({ good }) => good).reduce((a, b) => a + b)).toBe(140);
  });

  test("measures from the intended moment: a wait for a connection counts, and ends at the deadline", async () => {
    const server = listen(async () => {
      await Bun.sleep(100);
      return created();
    });
    const { phases } = await runOpenLoop({ ...options(server.url), connections: 1, deadline_ms: 250 });
    await server.stop();
    const [counts] = phases;
    // One connection answers ten a second; the others are given up while they wait.
    expect(counts!.unsent).toBeGreaterThan(150);
    expect(counts!.good + counts!.late + counts!.unsent).toBe(200);
    expect(counts!.latency_ms.max).toBeGreaterThan(200);
  });

  test("counts a server that is gone as failures", async () => {
    const server = listen(created);
    await server.stop();
    const { phases } = await runOpenLoop(options(server.url));
    expect(phases[0]).toMatchObject({ planned: 200, good: 0, failed: 200 });
  });
});

describe("the requests of a load", () => {
  test.each(["uniform", "zipf", "hot"] as const)("%s: nobody pays himself, and each run sends the same", (workload) => {
    const list = transfersBetween(WALLETS, workload, 2_000);
    expect(list.filter(({ path, body }) => path.includes(JSON.parse(body).to_wallet_id))).toEqual([]);
    expect(transfersBetween(WALLETS, workload, 2_000)).toEqual(list);
  });

  test("hot pays one wallet; zipf pays the first far more often than the last; uniform does not", () => {
    const paid = (workload: "uniform" | "zipf" | "hot", wallet: string): number =>
      transfersBetween(WALLETS, workload, 5_000).filter(({ body }) => body.includes(wallet)).length;
    expect(paid("hot", WALLETS[0]!)).toBe(5_000);
    expect(paid("zipf", WALLETS[0]!)).toBeGreaterThan(10 * paid("zipf", WALLETS[49]!));
    expect(paid("uniform", WALLETS[0]!)).toBeLessThan(2 * paid("uniform", WALLETS[49]!));
  });
});

describe("quantiles", () => {
  let samples: Samples;
  beforeAll(() => {
    samples = new Samples();
    for (let value = 5_000; value >= 1; value--) samples.add(value);
  });

  test("are by nearest rank, whatever the order", () => {
    expect(samples.latency()).toEqual({ p50: 2_500, p90: 4_500, p99: 4_950, p999: 4_995, max: 5_000 });
  });
});
