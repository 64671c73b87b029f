import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../shared/ids.ts";
import { instant, startHistory, type TestHistory, tellWallet } from "./testing.ts";

let history: TestHistory;

beforeAll(async () => {
  history = await startHistory("history_balance");
});
afterAll(() => history.stop());

/** A wallet whose version n occurred n seconds after the beginning and left a balance of n - 1. */
async function recorded(versions: number, ...missing: number[]): Promise<string> {
  const wallet = tellWallet();
  await history.record(wallet.story(versions).filter((event) => !missing.includes(event.wallet_version)));
  return `/wallets/${wallet.wallet_id}/balance`;
}

describe("the balance of a wallet then", () => {
  test("at a time is what the last event up to it left, to the microsecond", async () => {
    const path = await recorded(9);
    for (const [micros, version] of [
      [1_000_000, 1],
      [1_999_999, 1],
      [2_000_000, 2],
      [2_000_001, 2],
      [8_999_999, 8],
      [9_000_000, 9],
      [99_000_000, 9],
    ] as const) {
      const { status, body } = await history.get(`${path}?at=${instant(micros)}`);
      expect([status, body.wallet_version, body.balance, body.as_of]).toEqual([
        200,
        version,
        `${version - 1}.0000`,
        instant(micros),
      ]);
    }
  });

  test("at a version, and now, is what that event left, as of its time", async () => {
    const path = await recorded(5);
    expect((await history.get(`${path}?version=3`)).body).toEqual({
      wallet_id: path.split("/")[2]!,
      currency: "USD",
      balance: "2.0000",
      held: "0.0000",
      available: "2.0000",
      wallet_version: 3,
      as_of: instant(3_000_000),
    });
    expect((await history.get(path)).body).toMatchObject({
      wallet_version: 5,
      balance: "4.0000",
      as_of: instant(5_000_000),
    });
  });

  test("available is exact", async () => {
    const wallet = tellWallet();
    const large = { balance_after: "99999999999999.9999", held_after: "0.0001" };
    await history.record([wallet.created(), wallet.funded(large)]);
    const { body } = await history.get(`/wallets/${wallet.wallet_id}/balance`);
    expect(body).toMatchObject({ balance: "99999999999999.9999", held: "0.0001", available: "99999999999999.9998" });
  });

  test("is 404 for an unknown wallet and before the first event", async () => {
    const path = await recorded(2);
    const unknown = `/wallets/${uuidv7()}/balance`;
    const asked = [unknown, `${unknown}?version=1`, `${unknown}?at=${instant(0)}`, `${path}?at=${instant(999_999)}`];
    for (const each of asked) {
      const { status, body } = await history.get(each);
      expect([each, status, body.code]).toEqual([each, 404, "wallet_not_found"]);
    }
  });

  test("is 503 for a version that is not known yet", async () => {
    const path = await recorded(2);
    const { status, body, headers } = await history.get(`${path}?version=3`);
    expect([status, body.code, headers.get("retry-after")]).toEqual([503, "history_behind", "1"]);
  });

  test("is 503, not wrong, where a missing event could be the answer", async () => {
    const path = await recorded(6, 4);
    const at = async (micros: number) => (await history.get(`${path}?at=${instant(micros)}`)).status;
    expect(await at(2_999_999)).toBe(200);
    expect(await at(3_000_000)).toBe(503);
    expect(await at(4_999_999)).toBe(503);
    expect(await at(5_000_000)).toBe(200);
    expect((await history.get(`${path}?version=4`)).status).toBe(503);
    const headless = await recorded(3, 1);
    expect((await history.get(`${headless}?at=${instant(1_500_000)}`)).status).toBe(503);
  });

  test.each(["at=now", "version=0", "version=-1", "version=1.5", "version=1&at=2026-01-31T12:00:00Z", "then=1"])(
    "refuses %s",
    async (query) => {
      const { status, body } = await history.get(`/wallets/${uuidv7()}/balance?${query}`);
      expect([status, body.code]).toEqual([400, "invalid_request"]);
    },
  );

  test("is found by halving whatever is missing", async () => {
    const wallet = tellWallet();
    const story = wallet.story(60);
    const arrived = story.filter(({ wallet_version }) => wallet_version % 7 < 4);
    await history.record(arrived);
    for (let micros = 500_000; micros < 62_000_000; micros += 500_000) {
      const [row] = await history.sql`select version_at(${wallet.wallet_id}, ${instant(micros)}) as version`;
      const expected = arrived.filter(({ occurred_at }) => occurred_at <= instant(micros)).at(-1)?.wallet_version ?? 0;
      expect([micros, Number(row?.version)]).toEqual([micros, expected]);
    }
  });
});
