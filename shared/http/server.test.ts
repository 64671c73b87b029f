import { afterAll, describe, expect, test } from "bun:test";
import { createExample } from "./example-app.ts";
import { listen } from "./server.ts";

const { app, log, logged } = createExample();
const server = listen(app, { port: 0, hostname: "127.0.0.1", log });
afterAll(() => server.stop());

const FUND = "/wallets/0190a1b2-1111-7abc-8def-0123456789ab/fund";
const JSON_POST = `POST ${FUND} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;

interface Exchange {
  readonly text: string;
  readonly closed: boolean;
  readonly sent: number;
}

/** Sends raw chunks and gathers the answer until `done` likes it, or the server closes, or the time is up. */
async function exchange(
  chunks: Iterable<string | Uint8Array>,
  done: (text: string) => boolean = isWhole,
): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  let text = "";
  let closed = false;
  let drained = Promise.withResolvers<void>();
  const finish = () => {
    closed = true;
    drained.resolve();
    resolve();
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: server.port,
    socket: {
      data(_, bytes) {
        text += decoder.decode(bytes);
        if (done(text)) resolve();
      },
      drain: () => drained.resolve(),
      close: finish,
      error: finish,
    },
  });
  let sent = 0;
  const isOver = () => closed || done(text);
  for (const chunk of chunks) {
    let bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    while (bytes.byteLength > 0 && !isOver()) {
      drained = Promise.withResolvers();
      const written = socket.write(bytes);
      if (written < 0) break;
      sent += written;
      bytes = bytes.subarray(written);
      if (bytes.byteLength > 0) await Promise.race([drained.promise, Bun.sleep(50)]);
    }
    if (isOver()) break;
    await Bun.sleep(0);
  }
  if (!isOver()) await Promise.race([promise, Bun.sleep(3000)]);
  socket.end();
  return { text, closed, sent };
}

async function freePort(): Promise<number> {
  const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port = 0 } = taken;
  await taken.stop(true);
  return port;
}

/** Whether a response with a length has come in whole. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  return end !== -1 && length !== undefined && Buffer.byteLength(text.slice(end + 4)) >= Number(length);
}

const statusOf = ({ text }: Exchange) => Number(text.split(" ")[1]);
const headOf = ({ text }: Exchange) => text.slice(0, text.indexOf("\r\n\r\n")).toLowerCase();

function* chunked(size: number, count: number): Generator<string> {
  yield `${JSON_POST}Transfer-Encoding: chunked\r\n\r\n`;
  for (let sent = 0; sent < count; sent += 1) yield `${size.toString(16)}\r\n${" ".repeat(size)}\r\n`;
  yield "0\r\n\r\n";
}

describe("a server holds no more of a body than it would accept", () => {
  test("an announced giant is refused before it is sent", async () => {
    const answer = await exchange([`${JSON_POST}Content-Length: 8589934592\r\n\r\n`]);
    expect(statusOf(answer)).toBe(413);
    expect(answer.text).toContain('"code":"body_too_large"');
    expect(headOf(answer)).toContain("request-id:");
  });

  test("a giant that is sent all the same is not kept", async () => {
    const before = process.memoryUsage().rss;
    const megabyte = new Uint8Array(1_048_576).fill(32);
    const answer = await exchange(
      [`${JSON_POST}Content-Length: 8589934592\r\n\r\n`, ...Array.from({ length: 256 }, () => megabyte)],
      () => false,
    );
    expect([statusOf(answer), answer.closed]).toEqual([413, true]);
    expect(answer.sent).toBeLessThan(32 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test("a chunked giant is refused on the way, and not read to its end", async () => {
    const before = process.memoryUsage().rss;
    const answer = await exchange(chunked(65_536, 2000));
    expect([statusOf(answer), answer.text.includes('"code":"body_too_large"')]).toEqual([413, true]);
    expect(answer.sent).toBeLessThan(32 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test("a chunked body within the limit is read like any other", async () => {
    const body = '{"amount":"1"}';
    const answer = await exchange([
      `${JSON_POST}Transfer-Encoding: chunked\r\n\r\n`,
      `5\r\n${body.slice(0, 5)}\r\n`,
      `9\r\n${body.slice(5)}\r\n0\r\n\r\n`,
    ]);
    expect(statusOf(answer)).toBe(201);
    expect(answer.text).toEndWith(body);
  });

  test("the server answers the next client as if nothing had happened", async () => {
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  });
});

/** What the server has logged of a request. */
function linesOf(request_id: string): unknown[] {
  return logged.map((line) => JSON.parse(line)).filter((line) => line.request_id === request_id);
}

describe("a server answers whatever a socket can send", () => {
  test.each([
    ["/wallets/%", 400],
    ["/wallets/%00", 400],
    ["/wallets/%ff%fe", 400],
    ["/users/a%2Fb/items?limit=1", 200],
    ["/users/%2e%2e/items", 404],
    ["/users/a/items?limit=%00", 400],
    ["/users/a/items?from=%c3%28", 400],
    ["/users/a/items?x=%zz", 400],
    ["/nowhere?%", 404],
    ["/health/live/", 200],
    ["//health//live", 404],
  ])("GET %s is a %p", async (target, status) => {
    const answer = await exchange([`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`]);
    expect([target, statusOf(answer)]).toEqual([target, status]);
    expect(headOf(answer)).toContain("request-id:");
  });

  test("raw bytes in the path and in headers are no defect of the server", async () => {
    for (const bytes of [[0xff, 0xfe], [0xc3, 0xa9], [0x7f], [0x22, 0x3c]]) {
      const line = [
        Buffer.from("GET /users/a"),
        Buffer.from(bytes),
        Buffer.from("/items HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      ];
      expect(statusOf(await exchange([Buffer.concat(line)]))).toBeLessThan(500);
      const header = [
        Buffer.from("GET /health/live HTTP/1.1\r\nHost: localhost\r\nRequest-Id: a"),
        Buffer.from(bytes),
        Buffer.from("\r\n\r\n"),
      ];
      expect(statusOf(await exchange([Buffer.concat(header)]))).toBeLessThan(500);
    }
  });

  test("a short, strange or missing host makes no difference", async () => {
    for (const host of [
      "Host: a\r\n",
      "Host: db\r\n",
      "Host: [::1]:3000\r\n",
      "Host: wallet.internal.example:8080\r\n",
    ]) {
      const answer = await exchange([`GET /health/live HTTP/1.1\r\n${host}\r\n`]);
      expect([host, statusOf(answer)]).toEqual([host, 200]);
    }
    for (const bare of ["HTTP/1.1\r\nHost: \r\n", "HTTP/1.0\r\n"]) {
      expect([bare, statusOf(await exchange([`GET /health/live ${bare}\r\n`]))]).toEqual([bare, 200]);
      expect([bare, statusOf(await exchange([`GET /users/a/items?x=/ ${bare}\r\n`]))]).toEqual([bare, 400]);
    }
  });

  test("an unknown method is refused, not taken for another", async () => {
    const answer = await exchange(["BREW /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"]);
    expect(answer.closed || statusOf(answer) === 405).toBe(true);
  });

  test("HEAD has the length and no body", async () => {
    const answer = await exchange(
      [`HEAD /users/anna/items HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`],
      () => false,
    );
    const length = (await (await fetch(`${server.url}/users/anna/items`)).arrayBuffer()).byteLength;
    expect(headOf(answer)).toContain(`content-length: ${length}`);
    expect(answer.text.endsWith("\r\n\r\n")).toBe(true);
  });

  test("errors have a length, so that a connection can be used again", async () => {
    for (const path of ["/nowhere", "/broken/error", "/broken/problem", "/wallets/x"]) {
      const response = await fetch(`${server.url}${path}`);
      const size = (await response.arrayBuffer()).byteLength;
      expect([path, response.headers.get("content-length")]).toEqual([path, String(size)]);
    }
  });

  test("a body cut off by its sender is no defect of the server", async () => {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {} } });
    socket.write(`${JSON_POST}Request-Id: cut-off\r\nContent-Length: 500\r\n\r\n{"amount"`);
    await Bun.sleep(20);
    socket.terminate();
    while (linesOf("cut-off").length === 0) await Bun.sleep(5);
    expect(linesOf("cut-off")).toMatchObject([{ msg: "request", status: 400 }]);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  });
});

describe("a server starts and stops cleanly", () => {
  test("a port that is taken is said in one line", () => {
    const { app: second } = createExample();
    const start = () => listen(second, { port: server.port, hostname: "127.0.0.1", log });
    expect(start).toThrow(`cannot listen on 127.0.0.1:${server.port}: another process listens there`);
  });

  test("a route that breaks the rules of the house stops the start", async () => {
    const broken = createExample().app.get("/x/:id", () => "");
    const port = await freePort();
    expect(() => listen(broken, { port, hostname: "127.0.0.1", log })).toThrow(
      "GET /x/:id: path parameters need a params schema",
    );
    expect(await fetch(`http://127.0.0.1:${port}/health/live`).catch(() => "refused")).toBe("refused");
  });

  test("a stop lets a running request end", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<"ok">();
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const slow = createExample({
      checks: {
        database: () => {
          enter();
          return released;
        },
      },
    });
    const other = listen(slow.app, { port: 0, hostname: "127.0.0.1", log });
    const answer = fetch(`${other.url}/health`);
    await entered;
    const stopped = other.stop();
    release("ok");
    expect((await answer).status).toBe(200);
    await stopped;
    expect(await fetch(`${other.url}/health/live`).catch(() => "refused")).toBe("refused");
  });
});

const ask = async (checks: Parameters<typeof createExample>[0] & object) => {
  const response = await createExample(checks).app.handle(new Request("http://localhost/health"));
  return [response.status, JSON.parse(await response.text())];
};
const ok = async () => "ok" as const;
const down = async () => "down" as const;
const never = () => new Promise<"ok">(() => {});
const throws = () => Promise.reject(new Error("secret"));

describe("health tells what works", () => {
  test("without its database a service is down, without its broker degraded", async () => {
    expect(await ask({ checks: { database: ok, broker: ok } })).toEqual([
      200,
      { status: "ok", checks: { database: "ok", broker: "ok" } },
    ]);
    expect(await ask({ checks: { database: ok, broker: down } })).toEqual([
      200,
      { status: "degraded", checks: { database: "ok", broker: "down" } },
    ]);
    expect(await ask({ checks: { database: down, broker: ok } })).toEqual([
      503,
      { status: "down", checks: { database: "down", broker: "ok" } },
    ]);
  });

  test("a check that throws or does not answer within a second is down", async () => {
    const started = performance.now();
    expect(await ask({ checks: { database: throws, broker: never } })).toEqual([
      503,
      { status: "down", checks: { database: "down", broker: "down" } },
    ]);
    expect(performance.now() - started).toBeLessThan(1500);
  });
});
