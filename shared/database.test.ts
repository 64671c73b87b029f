import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import postgres from "postgres";
import { createDatabase, type TestDatabase, until } from "../test/cluster.ts";
import { connectFunctions, type Sql } from "./database.ts";

/** What a connection gives to one statement after another has failed on it (patches/postgres@3.4.9.patch). */

let database: TestDatabase;
/** Of one connection, so that every statement comes after the one before. */
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase("connections");
});

beforeEach(() => {
  sql = connectFunctions(database.url, { service: "wallet", purpose: "test", max: 1 });
});

afterEach(() => sql.end({ timeout: 1 }));

afterAll(() => database.drop());

const numbers = () => sql<{ n: number }[]>`select n from generate_series(1, 3) n`;
const NUMBERS = [{ n: 1 }, { n: 2 }, { n: 3 }];

describe("a statement that fails after its first rows leaves none of them to the next", () => {
  test("by an error", async () => {
    const failed = sql`select n, 1 / (3 - n) from generate_series(1, 5) n`;
    await expect(failed).rejects.toMatchObject({ code: "22012" });
    expect([...(await numbers())]).toEqual(NUMBERS);
  });

  test("by its time-out", async () => {
    await sql`set statement_timeout = 50`;
    const late = sql`select n, case when n = 3 then pg_sleep(5) end from generate_series(1, 5) n`;
    await expect(late).rejects.toMatchObject({ code: "57014" });
    expect([...(await numbers())]).toEqual(NUMBERS);
  });

  test("by the end of its session, of which the next one is not told", async () => {
    const ending = sql`
      select n, case when n = 3 then pg_terminate_backend(pg_backend_pid()) end from generate_series(1, 100000) n`;
    await expect(ending).rejects.toThrow();
    expect([...(await numbers())]).toEqual(NUMBERS);
  });
});

describe("a session that ends with a statement on its way", () => {
  /** AuthenticationOk and ReadyForQuery (PostgreSQL's documentation, "Message Formats"). */
  const WELCOME = Buffer.from("520000000800000000" + "5a0000000549", "hex");
  const PROTOCOL_3_0 = 196_608;

  /** A server's end of a connection, which lets the client in and closes at once: a statement is then about to be written. */
  class Socket extends EventEmitter {
    readonly written: Buffer[] = [];
    readonly readyState = "open";

    write(bytes: Buffer): boolean {
      this.written.push(bytes);
      if (this.written.length > 1) return true;
      queueMicrotask(() => {
        this.emit("data", WELCOME);
        this.emit("close", false);
      });
      return true;
    }

    destroy(): void {}
  }

  test("leaves nothing of it to the next session, which begins as any other", async () => {
    const sockets: Socket[] = [];
    const own = { socket: () => sockets[sockets.push(new Socket()) - 1] };
    // Without its types, so that the first statement is the caller's.
    const through = postgres({ ...own, max: 1, fetch_types: false, connect_timeout: 1, backoff: () => 0 });
    for (let session = 0; session < 3; session += 1)
      await expect(through`select ${"a".repeat(session)}`).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(sockets).toHaveLength(3);
    for (const { written } of sockets) {
      const [startup = Buffer.alloc(8)] = written;
      expect([startup.readInt32BE(0), startup.readInt32BE(4)]).toEqual([startup.length, PROTOCOL_3_0]);
    }
  });
});

describe("a session that ends while it is set up", () => {
  test("is a failure like others, and the next attempt waits its turn", async () => {
    let attempts = 0;
    // As a load balancer whose database is away.
    const balancer = createServer((socket) => {
      attempts += 1;
      socket.on("error", () => undefined).once("data", () => socket.end());
    });
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    balancer.listen(0, "127.0.0.1", resolve);
    await listening;
    const away = new URL(database.url);
    away.port = String((balancer.address() as AddressInfo).port);
    const refused = connectFunctions(away.href, { service: "wallet", purpose: "test", max: 1 });
    for (let n = 0; n < 4; n += 1) await expect(refused`select 1`).rejects.toMatchObject({ code: "CONNECT_CLOSED" });
    expect(attempts).toBe(4);
    await refused.end({ timeout: 1 });
    balancer.close();
  });

  test("by an operator: ends neither the process nor the session after it", async () => {
    const owner = connectFunctions(database.url, { service: "wallet", purpose: "test", max: 1, asOwner: true });
    const first = Promise.withResolvers<string>();
    await owner.begin(async (session) => {
      await session`lock table pg_catalog.pg_type in access exclusive mode`;
      numbers().then(
        () => first.resolve("done"),
        ({ code }) => first.resolve(code),
      );
      const endsIt = async () => {
        await session`select pg_stat_clear_snapshot()`;
        const { count } = await session`
          select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and query like '%pg_catalog.pg_type%' and wait_event_type = 'Lock'`;
        return count > 0;
      };
      await until(endsIt, { what: "the session that asks for the types of arrays is ended" });
    });
    await owner.end();
    expect(["57P01", "CONNECT_CLOSED"]).toContain(await first.promise);
    expect([...(await numbers())]).toEqual(NUMBERS);
  });
});
