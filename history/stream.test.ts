import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import type { HistoryEvent, WalletEvent } from "../shared/events.ts";
import { listen, type RunningServer } from "../shared/http/server.ts";
import { until } from "../test/cluster.ts";
import { startHistory, type TestHistory, tellWallet } from "./testing.ts";

let history: TestHistory;
let server: RunningServer;

beforeAll(async () => {
  history = await startHistory("history_stream");
  server = listen(history.app, { port: 0, hostname: "127.0.0.1", log: history.log });
});
afterAll(async () => {
  history.stream.stop();
  await server.stop();
  await history.stop();
});

interface Told {
  readonly id: string;
  readonly type: string;
  readonly item: HistoryEvent;
}

/** A client of the stream, as `EventSource` is one. */
async function follow(query = "", last_event_id?: string) {
  const quit = new AbortController();
  const headers = last_event_id === undefined ? {} : { "last-event-id": last_event_id };
  const response = await fetch(`${server.url}/events${query}`, { headers, signal: quit.signal });
  const told: Told[] = [];
  const comments: string[] = [];
  let ended = false;
  const read = async () => {
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const messages = text.split("\n\n");
      text = messages.pop() ?? "";
      for (const message of messages) {
        if (message.startsWith(":")) comments.push(message);
        else told.push(parse(message));
      }
    }
  };
  void read().then(
    () => (ended = true),
    () => (ended = true),
  );
  await until(() => comments.length > 0, { what: "the stream begins" });
  return {
    response,
    told,
    comments,
    ended: () => ended,
    quit: () => quit.abort(),
    ids: () => told.map(({ item }) => item.id),
  };
}

function parse(message: string): Told {
  const fields = new Map(
    message.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  return { id: fields.get("id") ?? "", type: fields.get("event") ?? "", item: JSON.parse(fields.get("data") ?? "") };
}

const idsOf = (events: readonly WalletEvent[]) => events.map(({ id }) => id);

describe("following events live", () => {
  test("from now on, of all wallets, as items of the history", async () => {
    await history.record(tellWallet().story(3));
    const client = await follow();
    expect(client.response.headers.get("content-type")).toStartWith("text/event-stream");
    expect(client.response.headers.get("cache-control")).toBe("no-store");
    const [left, right] = [tellWallet(), tellWallet()];
    await history.record(left.story(2), 0);
    await history.record(right.story(2), 1);
    await until(() => client.told.length === 4);
    expect(
      client.told.filter(({ item }) => item.wallet_id === left.wallet_id).map(({ item }) => item.wallet_version),
    ).toEqual([1, 2]);
    const { body } = await history.get(`/wallets/${right.wallet_id}/history?order=asc`);
    expect(client.told.filter(({ item }) => item.wallet_id === right.wallet_id).map(({ item }) => item)).toEqual(
      body.items!,
    );
    expect(client.told.map(({ type, item }) => type === item.event_type)).toEqual([true, true, true, true]);
    client.quit();
  });

  test("of one wallet, whatever the case of its id", async () => {
    const [wanted, other] = [tellWallet(), tellWallet()];
    const client = await follow(`?wallet_id=${wanted.wallet_id.toUpperCase()}`);
    await history.record([other.created(), wanted.created(), other.funded(), wanted.funded()]);
    await until(() => client.told.length === 2);
    expect(client.told.map(({ item }) => [item.wallet_id, item.wallet_version])).toEqual([
      [wanted.wallet_id, 1],
      [wanted.wallet_id, 2],
    ]);
    client.quit();
  });

  test("a comment now and then keeps the connection", async () => {
    const client = await follow();
    await until(() => client.comments.length >= 3);
    expect(client.comments.slice(1)).toEqual(client.comments.slice(1).map(() => ": keep-alive"));
    client.quit();
  });

  test("HEAD does not begin a stream; a method that is not GET is refused", async () => {
    const head = await fetch(`${server.url}/events`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await fetch(`${server.url}/events`, { method: "POST" })).status).toBe(405);
  });

  test.each(["?wallet_id=1", "?wallet=1"])("refuses %s", async (query) => {
    expect((await fetch(`${server.url}/events${query}`)).status).toBe(400);
  });

  test.each(["x", "1", "0-", "0-1.", "-1-5", "0-1;1-2", `0-${"9".repeat(30)}`, "9".repeat(5000)])(
    "refuses Last-Event-ID %p",
    async (id) => {
      const response = await fetch(`${server.url}/events`, { headers: { "last-event-id": id } });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ in: "header", path: "/Last-Event-ID" }] });
    },
  );
});

describe("resuming behind the last event", () => {
  test("from every id, exactly what followed it, over several partitions, then live", async () => {
    const wallets = Array.from({ length: 4 }, () => tellWallet());
    const client = await follow();
    for (let round = 0; round < 5; round += 1) {
      for (const [partition, wallet] of wallets.entries()) {
        await history.record([round === 0 ? wallet.created() : wallet.funded(), wallet.funded()], partition);
      }
    }
    await until(() => client.told.length === 40);
    client.quit();
    const all = client.ids();
    expect(new Set(all).size).toBe(40);
    for (const at of [0, 1, 7, 20, 38, 39]) {
      const resumed = await follow("", client.told[at]!.id);
      const later = tellWallet();
      const live = later.story(1);
      await history.record(live, at % 4);
      await until(() => resumed.ids().includes(live[0]!.id));
      const known = new Set(all);
      expect([
        at,
        resumed
          .ids()
          .filter((id) => known.has(id))
          .toSorted(),
      ]).toEqual([at, all.slice(at + 1).toSorted()]);
      for (const { wallet_id } of wallets) {
        const versions = resumed.told
          .filter(({ item }) => item.wallet_id === wallet_id)
          .map(({ item }) => item.wallet_version);
        expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      }
      resumed.quit();
    }
  });

  test("of one wallet among many events of others, further back than a stretch", async () => {
    const [wanted, other] = [tellWallet(), tellWallet()];
    const client = await follow(`?wallet_id=${wanted.wallet_id}`);
    await history.record([wanted.created()]);
    await until(() => client.told.length === 1);
    client.quit();
    await history.record(other.story(1200));
    await history.record([wanted.funded()]);
    await history.record([other.funded(), wanted.funded()]);
    const resumed = await follow(`?wallet_id=${wanted.wallet_id}`, client.told[0]!.id);
    await until(() => resumed.told.length === 2);
    expect(resumed.told.map(({ item }) => item.wallet_version)).toEqual([2, 3]);
    resumed.quit();
    const whole = await follow("", client.told[0]!.id);
    await until(() => whole.told.length === 1203);
    expect(new Set(whole.ids()).size).toBe(1203);
    whole.quit();
  });

  test("while events pour in, nothing is lost or told twice", async () => {
    const wallet = tellWallet();
    const events = wallet.story(2000);
    const first = await follow(`?wallet_id=${wallet.wallet_id}`);
    await history.record(events.slice(0, 1));
    await until(() => first.told.length === 1);
    first.quit();
    const pouring = (async () => {
      for (let at = 1; at < events.length; at += 50) await history.record(events.slice(at, at + 50));
    })();
    const clients = await Promise.all(
      ["", `?wallet_id=${wallet.wallet_id}`].map((query) => follow(query, first.told[0]!.id)),
    );
    await pouring;
    for (const client of clients) {
      await until(() => client.told.length === events.length - 1);
      expect(client.ids()).toEqual(idsOf(events.slice(1)));
      client.quit();
    }
  });

  test("an event that is recorded long after its neighbours is told when it becomes visible", async () => {
    const wallet = tellWallet();
    const [one, late, three] = wallet.story(3);
    const client = await follow(`?wallet_id=${wallet.wallet_id}`);
    await history.record([one!, three!]);
    await until(() => client.told.length === 2);
    client.quit();
    await history.record([late!]);
    const resumed = await follow(`?wallet_id=${wallet.wallet_id}`, client.told[1]!.id);
    await until(() => resumed.told.length === 1);
    expect(resumed.ids()).toEqual([late!.id]);
    resumed.quit();
  });

  test("an id from behind the end, of a history that was restored since, goes on from the end", async () => {
    const partitions = [0, 1, 2, 3, 9];
    const client = await follow("", partitions.map((partition) => `${partition}-999999999`).join("."));
    const wallet = tellWallet();
    await history.record(wallet.story(1));
    await until(() => client.told.length === 1);
    expect(client.told[0]!.item.wallet_id).toBe(wallet.wallet_id);
    client.quit();
  });
});

describe("a client that is slow", () => {
  /** Opens the stream on a socket that reads nothing yet. */
  async function openPaused(last_event_id: string): Promise<Socket> {
    const socket = connect(server.port, "127.0.0.1");
    socket.pause();
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: ${last_event_id}\r\n\r\n`);
    return socket;
  }

  /** The body of an answer in HTTP's chunked coding (RFC 9112 §7.1), as far as it has come; all of it is ASCII. */
  function withoutChunks(answer: string): string {
    let at = answer.indexOf("\r\n\r\n") + 4;
    let body = "";
    for (let end = answer.indexOf("\r\n", at); end !== -1; end = answer.indexOf("\r\n", at)) {
      const size = Number.parseInt(answer.slice(at, end), 16);
      body += answer.slice(end + 2, end + 2 + size);
      at = end + 2 + size + 2;
    }
    return body;
  }

  /** Far more than the buffers of both ends and of the network hold. */
  async function recordMuch(): Promise<string[]> {
    const wallet = tellWallet();
    const events = wallet.story(12_000).map((event) => ({ ...event, description: "x".repeat(250) }));
    for (let at = 0; at < events.length; at += 1000) await history.record(events.slice(at, at + 1000), 2);
    return idsOf(events);
  }

  test("gets everything at its own pace", async () => {
    const first = await follow();
    await history.record(tellWallet().story(1), 2);
    const start = await until(() => first.told.at(-1));
    first.quit();
    const socket = await openPaused(start.id);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
      socket.pause();
    });
    const sips = setInterval(() => socket.resume(), 5);
    const ids = await recordMuch();
    const last = `data: {"id":"${ids.at(-1)}"`;
    await until(() => withoutChunks(text).includes(last), { timeout_ms: 30_000, interval_ms: 500 });
    clearInterval(sips);
    socket.destroy();
    const got = withoutChunks(text).matchAll(/^data: \{"id":"([0-9a-f-]{36})"/gm);
    expect(Array.from(got, (match) => match[1])).toEqual(ids);
  });

  test("is cut off if it takes nothing at all", async () => {
    const first = await follow();
    await history.record(tellWallet().story(1), 2);
    const start = await until(() => first.told.at(-1));
    first.quit();
    const socket = await openPaused(start.id);
    let closed = false;
    socket.on("close", () => (closed = true));
    socket.on("error", () => (closed = true));
    await recordMuch();
    await until(() => history.stream.clients() === 0, { what: "the client is cut off" });
    // Only now does it read: what was on its way, and then the end.
    socket.resume();
    await until(() => closed, { what: "the connection is closed" });
  });
});

describe("the end of a stream", () => {
  test("a client that leaves is forgotten", async () => {
    const clients = await Promise.all([follow(), follow(), follow("?wallet_id=01890000-0000-7000-8000-000000000001")]);
    expect(history.stream.clients()).toBe(3);
    for (const client of clients) client.quit();
    await until(() => history.stream.clients() === 0);
  });

  test("a server that stops ends its streams in order and takes no new ones", async () => {
    const client = await follow();
    history.stream.stop();
    await until(() => client.ended());
    expect((await fetch(`${server.url}/events`)).status).toBe(503);
  });
});
