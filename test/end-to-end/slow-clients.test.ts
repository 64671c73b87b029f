import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { PROBLEMS } from "../../shared/http/problems.ts";
import { until } from "../cluster.ts";
import { type Gateway, startGateway } from "../gateway.ts";

/** Clients that are slow on purpose, at the real gateway: they wait there, and the service behind it hears nothing of them. */

const PATH = "/wallets/01890000-0000-7000-8000-000000000001/fund";
/** nginx.conf: client_header_timeout and client_body_timeout. */
const PATIENCE_MS = 10_000;
/** nginx.conf: limit_conn. */
const PLACES = 1_000;

let heard = 0;
let gateway: Gateway;
const service = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 60,
  fetch() {
    heard += 1;
    return Response.json({ status: "ok" });
  },
});

beforeAll(async () => {
  const urls = [service.url.href];
  gateway = await startGateway({ wallet: urls, history: urls });
});
afterAll(async () => {
  await gateway.stop();
  await service.stop(true);
});

/** Sends the opening, then the byte again and again, until the connection is closed. */
async function drip(opening: string, byte: string) {
  const started = performance.now();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let text = "";
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => resolve());
  socket.write(opening);
  const timer = setInterval(() => byte !== "" && socket.write(byte), 500);
  await over;
  clearInterval(timer);
  return { text, took_ms: performance.now() - started };
}

describe("a slow sender waits at the gateway", () => {
  test.concurrent("a header that comes a byte at a time has ten seconds", async () => {
    const { took_ms } = await drip("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "x");
    expect(took_ms).toBeGreaterThan(PATIENCE_MS - 1_000);
    expect(took_ms).toBeLessThan(PATIENCE_MS + 3_000);
  });

  test.concurrent("a body that stalls has ten seconds, and nothing of it reaches a service", async () => {
    const head = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const { took_ms } = await drip(`${head}Content-Length: 500\r\n\r\n{`, "");
    expect(took_ms).toBeGreaterThan(PATIENCE_MS - 1_000);
    expect(took_ms).toBeLessThan(PATIENCE_MS + 3_000);
    expect(heard).toBe(0);
  });
});

describe("one address cannot take all places", () => {
  test("beyond its thousand requests at the same time it is refused, and served again when they are over", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    heard = 0;
    service.reload({
      async fetch() {
        heard += 1;
        await released;
        return Response.json({ status: "ok" });
      },
    });
    const port = Number(new URL(gateway.url).port);
    const sockets = Array.from({ length: PLACES }, () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined).resume();
      socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return socket;
    });
    await until(() => heard === PLACES, { what: "all places are taken", timeout_ms: 20_000 });
    const refused = await fetch(`${gateway.url}/health/live`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ code: "rate_limited", title: PROBLEMS.rate_limited.title });
    expect(heard).toBe(PLACES);
    release();
    for (const socket of sockets) socket.destroy();
    await until(async () => (await fetch(`${gateway.url}/health/live`)).status === 200);
  });
});
