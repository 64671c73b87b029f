import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { recordDeadLetters } from "../shared/dead-letters.ts";
import type { WalletEvent } from "../shared/events.ts";
import { uuidv7 } from "../shared/ids.ts";
import { startHistory, type TestHistory, tellWallet } from "./testing.ts";

let history: TestHistory;
let offset = 0;

beforeAll(async () => {
  history = await startHistory("history_replay");
});
afterAll(() => history.stop());

/** Sets a message aside, as the consumer does; gives its dead letter's id. */
async function setAside(value: string, partition = 0, headers: Record<string, string> = {}): Promise<string> {
  offset += 1;
  const message = { topic: "t", partition, offset: String(offset), key: null, value: Buffer.from(value), headers };
  await recordDeadLetters(history.sql, [{ message, reason: "planted" }]);
  const { body } = await history.get("/dead-letters?limit=1");
  return String(body.items?.[0]?.id);
}

async function replay(id: string, headers: Record<string, string> = {}) {
  const path = `http://localhost/dead-letters/${id}/replay`;
  const response = await history.app.handle(new Request(path, { method: "POST", headers }));
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const balanceOf = async (id: string) => (await history.get(`/ledger/accounts/${id}`)).body.balance;
const versionsOf = async (id: string) =>
  (await history.get(`/wallets/${id}/history?order=asc`)).body.items?.map((item) => item.wallet_version);

describe("a dead letter that is replayed", () => {
  test("is applied as if it came now, and releases what waited for it", async () => {
    const [sender, receiver] = [tellWallet(), tellWallet()];
    const [created, funded] = [sender.created(), sender.funded({ amount: "10.0000" })];
    const asked = sender.reserved(receiver.wallet_id, "4.0000");
    await history.record([created, asked]);
    const id = await setAside(JSON.stringify(funded));
    expect(await balanceOf(sender.wallet_id)).toBe("0.0000");
    const { status, body } = await replay(id);
    expect([status, body.id]).toEqual([200, id]);
    expect(body.replayed_at).toEqual(expect.any(String));
    expect(await versionsOf(sender.wallet_id)).toEqual([1, 2, 3]);
    expect([await balanceOf(sender.wallet_id), await balanceOf(receiver.wallet_id)]).toEqual(["6.0000", "4.0000"]);

    expect(await replay(id)).toEqual({ status, body });
    expect(await balanceOf(sender.wallet_id)).toBe("6.0000");
  });

  test("under a key that is none is refused, and stays where it is; under a sound one it is applied", async () => {
    const wallet = tellWallet();
    await history.record([wallet.created()]);
    const id = await setAside(JSON.stringify(wallet.funded()));
    for (const key of ["", "a b", "k".repeat(256), "\u00e9"]) {
      expect(await replay(id, { "idempotency-key": key })).toMatchObject({
        status: 400,
        body: { code: "invalid_request", errors: [{ in: "header", path: "/Idempotency-Key" }] },
      });
    }
    expect(await versionsOf(wallet.wallet_id)).toEqual([1]);
    expect((await replay(id, { "idempotency-key": '"again-1"' })).status).toBe(200);
    expect(await versionsOf(wallet.wallet_id)).toEqual([1, 2]);
  });

  test("of an older version that is stored already changes nothing, and is done with", async () => {
    const wallet = tellWallet();
    const events = wallet.story(4);
    await history.record(events);
    const id = await setAside(JSON.stringify(events[1]));
    expect((await replay(id)).status).toBe(200);
    expect(await versionsOf(wallet.wallet_id)).toEqual([1, 2, 3, 4]);
    expect(await balanceOf(wallet.wallet_id)).toBe("3.0000");
  });

  test("takes its partition's turn", async () => {
    const wallet = tellWallet();
    const id = await setAside(JSON.stringify(wallet.created()), 5);
    await replay(id);
    const [row] = await history.sql`
      select partition from transaction_events where wallet_id = ${wallet.wallet_id}`;
    expect(row?.partition).toBe(5);
  });

  const faulty: [string, (events: WalletEvent[]) => string, RegExp][] = [
    ["is no JSON", () => "{", /not JSON/],
    ["is no event", () => "{}", /no event of this topic/],
    [
      "contradicts a version that is stored",
      ([, two]) => JSON.stringify({ ...two, id: uuidv7() }),
      /conflicting_version/,
    ],
    [
      "does not fit",
      ([, two]) => JSON.stringify({ ...two, id: uuidv7(), wallet_version: 3, user_id: "x".repeat(101) }),
      /SQLSTATE 22001/,
    ],
    [
      "would overdraw",
      ([, two]) =>
        JSON.stringify({
          ...two,
          id: uuidv7(),
          type: "WALLET_WITHDRAWN",
          transaction_id: uuidv7(),
          wallet_version: 3,
          amount: "2.0000",
        }),
      /SQLSTATE 23514/,
    ],
  ];
  test.each(faulty)("that %s is refused again and stays", async (_, textOf, detail) => {
    const wallet = tellWallet();
    const events = wallet.story(2);
    await history.record(events);
    const id = await setAside(textOf(events));
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await replay(id);
      expect([status, body.code]).toEqual([422, "not_replayable"]);
      expect(String(body.detail)).toMatch(detail);
    }
    expect((await history.get(`/dead-letters/${id}`)).body.replayed_at).toBeNull();
    expect(await versionsOf(wallet.wallet_id)).toEqual([1, 2]);
  });

  test("that does not exist is 404", async () => {
    expect(await replay(uuidv7())).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await replay("17")).status).toBe(400);
  });
});
