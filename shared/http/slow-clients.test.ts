import { afterAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { BODY_DEADLINE_MS } from "./body.ts";
import { createExample } from "./example-app.ts";
import { listen } from "./server.ts";

/** Clients that hold a connection for as long as they can (Slowloris, and R-U-Dead-Yet). */

const { app, log } = createExample();
const server = listen(app, { port: 0, hostname: "127.0.0.1", log });
afterAll(() => server.stop());

const FUND = "/wallets/0190a1b2-1111-7abc-8def-0123456789ab/fund";
const HEAD = `POST ${FUND} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
/** Bun gives a header ten seconds by itself, and looks every few. */
const HEADER_WITHIN_MS = 15_000;

interface Drip {
  /** What the server has said by its end of the connection, and when that was. */
  readonly text: string;
  readonly took_ms: number;
}

/** Sends the opening, then a byte at a time, until the server has had enough. */
async function drip(opening: string, byte: string, every_ms: number): Promise<Drip> {
  const started = performance.now();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let text = "";
  const socket: Socket = connect(server.port, "127.0.0.1");
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => resolve());
  socket.write(opening);
  const timer = setInterval(() => socket.write(byte), every_ms);
  await over;
  clearInterval(timer);
  return { text, took_ms: performance.now() - started };
}

const codeOf = ({ text }: Drip) => /"code":"(\w+)"/.exec(text)?.[1];

describe("a slow sender is not waited for", () => {
  test.concurrent("a body that comes a byte at a time, announced or in chunks, is given up after its time", async () => {
    const drips = await Promise.all([
      drip(`${HEAD}Content-Length: 5000\r\n\r\n{`, " ", 400),
      drip(`${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, "1\r\n \r\n", 400),
      // One that says nothing more at all.
      drip(`${HEAD}Content-Length: 5000\r\n\r\n{`, "", 400),
    ]);
    for (const each of drips) {
      expect([codeOf(each), each.text.split(" ")[1]]).toEqual(["request_timeout", "408"]);
      expect(each.took_ms).toBeGreaterThan(BODY_DEADLINE_MS - 100);
      expect(each.took_ms).toBeLessThan(BODY_DEADLINE_MS + 3_000);
    }
  });

  test.concurrent("a header that comes a byte at a time is given up", async () => {
    const { text, took_ms } = await drip(`GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: `, "x", 1_000);
    expect(text).not.toContain("200 OK");
    expect(took_ms).toBeLessThan(HEADER_WITHIN_MS);
  });
});

describe("many clients that hold connections keep nobody else out", () => {
  test.concurrent("500 of them, in the middle of their headers and bodies", async () => {
    const openings = [`GET /health/live HTTP/1.1\r\nHost: loc`, `${HEAD}Content-Length: 5000\r\n\r\n{`, ""];
    const sockets = Array.from({ length: 500 }, (_, index) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(openings[index % openings.length] ?? "");
      return socket;
    });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${server.url}${FUND}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: '{"amount":"1"}',
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(performance.now() - started).toBeLessThan(1_000);
    for (const socket of sockets) socket.destroy();
  });
});

describe("more requests than can be held are refused at once", () => {
  test("and probes are answered all the same", async () => {
    const never = new Promise<"ok">(() => undefined);
    const { app: full } = createExample({ checks: { database: () => never } });
    const get = (path: string) => full.handle(new Request(`http://localhost${path}`));
    // Health answers after a second: until then all of these are under way.
    for (let n = 0; n < 32_000; n += 1) void get("/health");
    const refused = await get("/users/anna/items");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toMatchObject({ code: "overloaded" });
    expect((await get("/health/live")).status).toBe(200);
    await Bun.sleep(1_500);
    expect((await get("/users/anna/items")).status).toBe(200);
  });
});
