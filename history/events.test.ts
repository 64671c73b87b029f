import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uuidv7 } from "../shared/ids.ts";
import { instant, startHistory, type TestHistory, tellWallet } from "./testing.ts";

let history: TestHistory;

beforeAll(async () => {
  history = await startHistory("history_events");
});
afterAll(() => history.stop());

const versions = (items: { wallet_version: number }[] | undefined) => items?.map((item) => item.wallet_version);

/** All pages of a list, one after another. */
async function allPages(path: string): Promise<number[]> {
  const seen: number[] = [];
  let cursor: string | null | undefined;
  do {
    const joint = path.includes("?") ? "&" : "?";
    const { body } = await history.get(cursor ? `${path}${joint}cursor=${cursor}` : path);
    seen.push(...(versions(body.items) ?? []));
    cursor = body.next_cursor;
  } while (cursor);
  return seen;
}

describe("the history of a wallet", () => {
  const wallet = tellWallet("alice");
  const story = wallet.story(12);
  beforeAll(() => history.record([...story, wallet.frozen()]));

  test("has every event with all its fields, newest first, under both paths", async () => {
    const { status, body, headers } = await history.get(`/wallets/${wallet.wallet_id}/history`);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(versions(body.items)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    const event = story[11]!;
    const { type, held_after: _held, posting: _posting, ...shared } = event;
    const created_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(body.items?.[1]).toEqual({ ...shared, event_type: type, created_at, event_data: event });
    expect(Object.keys(body.items![1]!)).not.toContain("held_after");
    expect((await history.get(`/history/wallets/${wallet.wallet_id}`)).body).toEqual(body);
    expect((await history.get(`/history/wallets/${wallet.wallet_id.toUpperCase()}/`)).body).toEqual(body);
  });

  test("pages both ways without a skip or a repetition, also while events arrive", async () => {
    const path = `/wallets/${wallet.wallet_id}/history`;
    expect(await allPages(`${path}?limit=5`)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await allPages(`${path}?limit=4&order=asc`)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    const other = tellWallet();
    await history.record(other.story(3));
    const first = await history.get(`/wallets/${other.wallet_id}/history?limit=2`);
    await history.record([other.funded()]);
    const second = await history.get(`/wallets/${other.wallet_id}/history?limit=2&cursor=${first.body.next_cursor}`);
    expect([versions(first.body.items), versions(second.body.items)]).toEqual([[3, 2], [1]]);
    expect(second.body.next_cursor).toBeNull();
  });

  test("is narrowed by type and by time, from inclusive, to exclusive, to the microsecond", async () => {
    const ask = async (query: string) => allPages(`/wallets/${wallet.wallet_id}/history?order=asc&limit=2&${query}`);
    expect(await ask("type=WALLET_FROZEN")).toEqual([13]);
    expect(await ask("type=WALLET_CREATED")).toEqual([1]);
    expect(await ask("type=TRANSFER_IN")).toEqual([]);
    expect(await ask(`from=${instant(11_000_000)}`)).toEqual([11, 12, 13]);
    expect(await ask(`from=${instant(11_000_001)}`)).toEqual([12, 13]);
    expect(await ask(`to=${instant(3_000_000)}`)).toEqual([1, 2]);
    expect(await ask(`to=${instant(3_000_001)}`)).toEqual([1, 2, 3]);
    expect(await ask(`from=${instant(4_000_000)}&to=${instant(7_000_000)}&type=WALLET_FUNDED`)).toEqual([4, 5, 6]);
    expect(await ask(`from=${instant(7_000_000)}&to=${instant(4_000_000)}`)).toEqual([]);
    expect(await ask("from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z")).toHaveLength(13);
    expect(await ask("from=2026-01-31T14:00:12%2B02:00")).toEqual([12, 13]);
  });

  test("of an unknown wallet is empty", async () => {
    const { status, body } = await history.get(`/wallets/${uuidv7()}/history?from=${instant(0)}`);
    expect([status, body]).toEqual([200, { items: [], next_cursor: null }]);
  });

  test.each([
    ["limit=0", "/limit"],
    ["limit=201", "/limit"],
    ["limit=1.0", "/limit"],
    ["type=LEDGER_SUCCESS", "/type"],
    ["type=wallet_funded", "/type"],
    ["order=up", "/order"],
    ["from=yesterday", "/from"],
    ["to=2026-02-30T00:00:00Z", "/to"],
    ["min_version=0", "/min_version"],
    ["min_version=1e3", "/min_version"],
    ["unknown=1", "/unknown"],
    ["limit=1&limit=2", "/limit"],
  ])("refuses %s", async (query, path) => {
    const { status, body } = await history.get(`/wallets/${wallet.wallet_id}/history?${query}`);
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect(body.errors?.[0]).toMatchObject({ in: "query", path });
  });

  test("refuses a cursor that is malformed, or of another list, wallet or filter", async () => {
    const path = `/wallets/${wallet.wallet_id}/history`;
    const cursor = (await history.get(`${path}?limit=2`)).body.next_cursor;
    const refused = [
      `${path}?cursor=x`,
      `${path}?cursor=`,
      `${path}?cursor=${"A".repeat(3000)}`,
      `${path}?order=asc&cursor=${cursor}`,
      `${path}?type=WALLET_FUNDED&cursor=${cursor}`,
      `/wallets/${uuidv7()}/history?cursor=${cursor}`,
      `/users/alice/activity?cursor=${cursor}`,
    ];
    for (const each of refused) {
      const { status, body } = await history.get(each);
      expect([each, status, body.code]).toEqual([each, 400, "invalid_cursor"]);
    }
    expect((await history.get(`${path}?limit=3&cursor=${cursor}`)).status).toBe(200);
  });

  test("refuses an id that is no UUID, and a method that is not GET", async () => {
    const { status, body } = await history.get("/wallets/1/history");
    expect([status, body.errors?.[0]?.path]).toEqual([400, "/id"]);
    const post = await history.app.handle(
      new Request(`http://localhost/wallets/${uuidv7()}/history`, { method: "POST" }),
    );
    expect(post.status).toBe(405);
  });
});

describe("reading one's own writes: min_version", () => {
  test("answers at once where the version is there", async () => {
    const wallet = tellWallet();
    await history.record(wallet.story(2));
    const { status, body } = await history.get(`/wallets/${wallet.wallet_id}/history?min_version=2`);
    expect([status, versions(body.items)]).toEqual([200, [2, 1]]);
  });

  test("waits until the version is there", async () => {
    const wallet = tellWallet();
    const asked = history.get(`/history/wallets/${wallet.wallet_id.toUpperCase()}?min_version=3`);
    await history.record(wallet.story(2));
    await history.record([wallet.funded()]);
    const { status, body } = await asked;
    expect([status, versions(body.items)]).toEqual([200, [3, 2, 1]]);
  });

  test("is 503 history_behind after 2 s, also where a later version is there", async () => {
    const wallet = tellWallet();
    const [one, , three] = wallet.story(3);
    await history.record([one!, three!]);
    const started = performance.now();
    const { status, body, headers } = await history.get(`/wallets/${wallet.wallet_id}/history?min_version=2`);
    expect([status, body.code, headers.get("retry-after")]).toEqual([503, "history_behind", "1"]);
    expect(performance.now() - started).toBeWithin(1_900, 3_000);
  });

  test("many wait together", async () => {
    const wallets = Array.from({ length: 100 }, () => tellWallet());
    const asked = wallets.map(({ wallet_id }) => history.get(`/wallets/${wallet_id}/history?min_version=2`));
    await history.record(wallets.flatMap((wallet) => wallet.story(2)));
    expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
  });
});

describe("the activity of a user", () => {
  test("is over all wallets, newest first, whatever the characters of the id", async () => {
    const user = "50% a/b?c#d&e=ü \u{1F600} '; drop table x --";
    const [left, right] = [tellWallet(user), tellWallet(user)];
    await history.record(left.story(2));
    await history.record(
      [right.created({ occurred_at: instant(1_500_000) }), right.funded({ occurred_at: instant(2_500_000) })],
      1,
    );
    const path = `/users/${encodeURIComponent(user)}/activity`;
    const { status, body } = await history.get(path);
    expect(status).toBe(200);
    expect(body.items?.map((item) => item.occurred_at)).toEqual(
      [2_500_000, 2_000_000, 1_500_000, 1_000_000].map(instant),
    );
    expect(body.items?.every((item) => item.user_id === user)).toBe(true);
    expect((await history.get(`/history/users/${encodeURIComponent(user)}`)).body).toEqual(body);
    expect(await allPages(`${path}?limit=1`)).toEqual([2, 2, 1, 1]);
    expect(await allPages(`${path}?limit=3&order=asc&from=${instant(1_500_000)}&to=${instant(2_500_000)}`)).toEqual([
      1, 2,
    ]);
    expect(await allPages(`${path}?type=WALLET_CREATED`)).toEqual([1, 1]);
  });

  test("events of one moment are neither skipped nor repeated between pages", async () => {
    const wallets = Array.from({ length: 7 }, () => tellWallet("same-moment"));
    const events = wallets.map((wallet) => wallet.created({ occurred_at: instant(5) }));
    await history.record(events);
    const ids = new Set<string>();
    let cursor: string | null | undefined = "";
    while (cursor !== null) {
      const { body } = await history.get(`/users/same-moment/activity?limit=2${cursor ? `&cursor=${cursor}` : ""}`);
      for (const item of body.items ?? []) ids.add(item.id);
      cursor = body.next_cursor ?? null;
    }
    expect(ids).toEqual(new Set(events.map(({ id }) => id)));
  });

  test("of an unknown user is empty; an id with control characters or that is too long is refused", async () => {
    expect((await history.get("/users/nobody/activity")).body).toEqual({ items: [], next_cursor: null });
    for (const bad of ["%00", "a%0Ab", "x".repeat(101), "%7F"]) {
      expect([bad, (await history.get(`/users/${bad}/activity`)).status]).toEqual([bad, 400]);
    }
    expect((await history.get(`/users/${encodeURIComponent("\u{1F600}".repeat(100))}/activity`)).status).toBe(200);
  });
});
