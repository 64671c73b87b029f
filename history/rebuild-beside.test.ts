import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type RunningService, spawnService, until } from "../test/cluster.ts";
import { expectInvariants, get, historyOf, isAtWork, openFunded } from "../test/end-to-end/system.ts";
import { type RebuiltSystem, startRebuiltSystem } from "./rebuild.fixture.ts";

/** A rebuild beside those who read and write meanwhile. */

let rebuilt: RebuiltSystem;

beforeAll(async () => {
  rebuilt = await startRebuiltSystem("rebuild-beside");
});
afterAll(() => rebuilt?.stop());

interface Followed {
  /** The events' ids so far, in the order in which they came. */
  readonly ids: readonly string[];
  /** The place behind the last of them. */
  readonly place: () => string | undefined;
  /** Whether the server has ended the stream. */
  readonly over: () => boolean;
  stop(): void;
}

/** Follows all events; with a place, from there on. */
async function follow({ url }: RunningService, place?: string): Promise<Followed> {
  const cut = new AbortController();
  const response = await fetch(`${url}/events`, {
    signal: cut.signal,
    headers: place === undefined ? {} : { "last-event-id": place },
  });
  expect(response.status).toBe(200);
  const ids: string[] = [];
  let last: string | undefined;
  let over = false;
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const messages = text.split("\n\n");
      text = messages.pop() ?? "";
      for (const message of messages) {
        const data = /^data: (.*)$/m.exec(message)?.[1];
        if (data === undefined) continue;
        ids.push(JSON.parse(data).id);
        last = /^id: (.*)$/m.exec(message)?.[1];
      }
    }
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      over = true;
    });
  return { ids, place: () => last, over: () => over, stop: () => cut.abort() };
}

const stored = async (): Promise<string[]> => {
  const rows = await rebuilt.owner`select id from history.transaction_events`;
  return rows.map(({ id }) => String(id));
};

/** Damage that a rebuild mends: one stored event is gone. Gives its id. */
async function lose(wallet: string, version: number): Promise<string> {
  const { owner } = rebuilt;
  await owner`alter table history.transaction_events disable trigger transaction_events_append_only`;
  const [row] = await owner`
    delete from history.transaction_events where wallet_id = ${wallet} and wallet_version = ${version} returning id`;
  await owner`alter table history.transaction_events enable trigger transaction_events_append_only`;
  return String(row?.id);
}

const open = (...users: string[]) => Promise.all(users.map((user) => openFunded(rebuilt.system.wallet, user, "100")));

describe("a stream that stays open across the swap", () => {
  test("tells every event once, those of the time of the swap too, and what had been missing as new", async () => {
    const { system } = rebuilt;
    const [quiet = "", ...wallets] = await open("quiet", "a", "b", "c", "d");
    for (const id of [quiet, ...wallets]) await historyOf(system.history, id, 2);
    const before = new Set(await stored());
    const stream = await follow(system.history);
    const traffic = rebuilt.traffic(wallets);
    await until(() => traffic.done() > 8 && stream.ids.length > 8, { what: "the stream is told of the traffic" });
    const missing = await lose(quiet, 2);
    before.delete(missing);

    expect(await rebuilt.rebuild({ swap: true })).toMatchObject({ swapped: true });
    const atSwap = traffic.done();
    await until(() => traffic.done() > atSwap + 8, { what: "the traffic goes on" });
    expect(await traffic.stop()).toEqual([]);
    await expectInvariants(system);

    const expected = (await stored()).filter((id) => !before.has(id));
    await until(() => stream.ids.length >= expected.length, { what: "the stream has told all" });
    expect(stream.over()).toBe(false);
    expect([...stream.ids].sort()).toEqual(expected.sort());
    expect(stream.ids).toContain(missing);
    stream.stop();
  });

  test("a client that was cut off in the swap goes on where it was, and misses nothing", async () => {
    const { system } = rebuilt;
    const wallets = await open("e", "f");
    for (const id of wallets) await historyOf(system.history, id, 2);
    const before = new Set(await stored());
    const first = await follow(system.history);
    const traffic = rebuilt.traffic(wallets);
    await until(() => first.ids.length > 8);
    first.stop();
    const told = [...first.ids];
    const place = first.place();
    expect(await rebuilt.rebuild({ swap: true })).toMatchObject({ swapped: true });
    const second = await follow(system.history, place);
    await until(() => second.ids.length > 8);
    expect(await traffic.stop()).toEqual([]);
    await expectInvariants(system);
    const expected = (await stored()).filter((id) => !before.has(id));
    await until(() => told.length + second.ids.length >= expected.length, {
      what: "the second stream has told the rest",
    });
    expect([...told, ...second.ids].sort()).toEqual(expected.sort());
    second.stop();
  });
});

describe("two history processes", () => {
  test("go on through a rebuild and its swap, answer alike, and nothing is stored twice or lost", async () => {
    const { system } = rebuilt;
    const other = await spawnService("history", system.env);
    try {
      await isAtWork(other);
      const wallets = await open("g", "h", "i", "j");
      // What is lost below was told before these streams began: it is new to them when the swap brings it back.
      for (const id of wallets) await historyOf(system.history, id, 2);
      const streams = [await follow(system.history), await follow(other)];
      const traffic = rebuilt.traffic(wallets);
      await until(() => traffic.done() > 12);
      const missing = await lose(wallets[0] ?? "", 2);
      const report = await rebuilt.rebuild({ swap: true });
      expect(report.swapped).toBe(true);
      expect(report.differences.find(({ name }) => name === "transaction_events")).toMatchObject({
        only_live: 0,
        only_rebuilt: 1,
        different: 0,
        examples: [missing],
      });
      const atSwap = traffic.done();
      await until(() => traffic.done() > atSwap + 12, { what: "the traffic goes on" });
      expect(await traffic.stop()).toEqual([]);
      await expectInvariants(system);
      for (const id of wallets) {
        const { version } = (await get(system.wallet, `/wallets/${id}`)).body;
        const [one, two] = [await historyOf(system.history, id, version), await historyOf(other, id, version)];
        expect(one).toEqual(two);
        expect(one.map(({ wallet_version }) => wallet_version)).toEqual(one.map((_, index) => index + 1));
      }
      // Whichever process stored an event, both tell of it, once.
      const [one, two] = streams;
      await until(() => one?.ids.length === two?.ids.length);
      for (const { ids } of streams) expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
      expect(one?.ids).toContain(missing);
      expect([...(one?.ids ?? [])].sort()).toEqual([...(two?.ids ?? [])].sort());
      for (const stream of streams) stream.stop();
      expect(await rebuilt.rebuild()).toMatchObject({ equal: true });
    } finally {
      await other.kill();
    }
  });
});
