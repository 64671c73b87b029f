import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startWalletService, type WalletService } from "./wallet-service.ts";

/** Lists: pages that cover everything once, also while rows arrive, and filters that say exactly what they mean. */

interface Line {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly wallet_version: number;
  readonly created_at: string;
}

let service: WalletService;
/** Its lines have the versions 2 to 16; number 15 is a failed withdrawal, number 16 a transfer to it. */
let wallet: string;
let other: string;
let lines: Line[];

beforeAll(async () => {
  service = await startWalletService("lists");
  wallet = await service.open("100");
  other = await service.open("100");
  for (let n = 1; n <= 6; n += 1) {
    await service.post(`/wallets/${wallet}/withdraw`, { amount: "1", reference: `ref-${n % 2}` });
    await service.post(`/wallets/${wallet}/transfer`, { amount: "1", to_wallet_id: other, reference: "to other" });
  }
  await service.post(`/wallets/${wallet}/withdraw`, { amount: "1000" });
  await service.post(`/wallets/${other}/transfer`, { amount: "1", to_wallet_id: wallet });
  lines = await listed("");
});
afterAll(() => service.stop());

async function page(query: string, path = `/wallets/${wallet}/transactions`) {
  const { status, body } = await service.get(`${path}?${query}`);
  return { status, code: body.code, items: body.items, cursor: body.next_cursor } as {
    status: number;
    code: string;
    items: Line[];
    cursor: string | null;
  };
}

const listed = async (query: string) => (await page(query)).items;
const versions = async (query: string) => (await listed(query)).map((line) => line.wallet_version);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** All pages from here on; `between` runs after each. */
async function walk(query: string, path?: string, between = async () => {}): Promise<Line[]> {
  const all: Line[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const found = await page(cursor === "" ? query : `${query}&cursor=${cursor}`, path);
    expect(found.status).toBe(200);
    all.push(...found.items);
    cursor = found.cursor;
    await between();
  }
  return all;
}

describe("pages cover a wallet's lines once", () => {
  test("newest first, or oldest first", async () => {
    expect(lines.map((line) => line.wallet_version)).toEqual(range(2, 16).reverse());
    expect(await versions("order=desc")).toEqual(range(2, 16).reverse());
    expect(await versions("order=asc")).toEqual(range(2, 16));
  });

  test.each(["desc", "asc"])("whatever their size, %s", async (order) => {
    const whole = await listed(`order=${order}`);
    for (const limit of [1, 4, 7, 14, 15, 16, 200]) expect(await walk(`order=${order}&limit=${limit}`)).toEqual(whole);
  });

  test("the last page says that it is the last, also where it is full", async () => {
    expect((await page("limit=15")).cursor).toBeNull();
    expect((await page("limit=14")).cursor).toBeString();
  });

  test("newest first, lines that arrive meanwhile do not shift the pages; oldest first, they come last", async () => {
    const busy = await service.open("1");
    const path = `/wallets/${busy}/transactions`;
    for (let n = 0; n < 4; n += 1) await service.post(`/wallets/${busy}/fund`, { amount: "1" });
    let left = 3;
    const arrive = async () => {
      left -= 1;
      if (left >= 0) await service.post(`/wallets/${busy}/fund`, { amount: "1" });
    };
    const seen = await walk("limit=2", path, arrive);
    expect(seen.map((line) => line.wallet_version)).toEqual([6, 5, 4, 3, 2]);
    left = 3;
    const forward = await walk("limit=2&order=asc", path, arrive);
    expect(forward.map((line) => line.wallet_version)).toEqual(range(2, forward.length + 1));
    expect(forward.length).toBeGreaterThanOrEqual(10);
  });

  test("the default is 50, the most 200", async () => {
    const full = await service.open();
    await Promise.all(range(1, 205).map(() => service.post(`/wallets/${full}/fund`, { amount: "1" })));
    const path = `/wallets/${full}/transactions`;
    expect((await page("", path)).items).toHaveLength(50);
    expect((await page("limit=200", path)).items).toHaveLength(200);
    expect(await walk("limit=100", path)).toHaveLength(205);
  });
});

describe("filters", () => {
  test("by type", async () => {
    expect(await versions("type=FUND")).toEqual([2]);
    expect(await versions("type=TRANSFER_IN")).toEqual([16]);
    expect(await versions("type=TRANSFER_OUT")).toEqual([14, 12, 10, 8, 6, 4]);
  });

  test("by status and reference, each and together", async () => {
    expect(await versions("status=FAILED")).toEqual([15]);
    expect(await versions("status=COMPLETED")).toHaveLength(14);
    expect(await versions("type=WITHDRAW&status=COMPLETED")).toHaveLength(6);
    expect(await versions("reference=ref-0")).toHaveLength(3);
    expect(await versions("reference=ref-1&type=WITHDRAW")).toHaveLength(3);
    expect(await versions("reference=REF-1")).toEqual([]);
    expect(await versions("reference=ref-1&type=FUND")).toEqual([]);
    expect(await versions("reference=%25")).toEqual([]);
  });

  test("from is inclusive, to exclusive, to the microsecond", async () => {
    const [at, next] = [lines[6]!.created_at, lines[5]!.created_at];
    const [version, nextVersion] = [lines[6]!.wallet_version, lines[5]!.wallet_version];
    const time = encodeURIComponent;
    expect(await versions(`from=${time(at)}&to=${time(next)}`)).toEqual([version]);
    expect(await versions(`from=${time(at)}&order=asc&limit=1`)).toEqual([version]);
    expect(await versions(`to=${time(at)}&limit=1`)).toEqual([version - 1]);
    expect(await versions(`from=${time(at)}&to=${time(at)}`)).toEqual([]);
    const after = at.replace(/(\d)Z$/, "$19Z");
    expect(await versions(`from=${time(after)}&order=asc&limit=1`)).toEqual([nextVersion]);
    const zoned = new Date(`${at.slice(0, 19)}Z`).toISOString().slice(0, 19);
    expect((await listed(`from=${time(`${zoned}+00:00`)}`)).length).toBeGreaterThan(0);
    expect(await versions("from=2999-01-01T00:00:00Z")).toEqual([]);
    expect(await versions("to=1999-01-01T00:00:00Z")).toEqual([]);
  });

  test("the pages of a filtered list are of that list", async () => {
    expect(await walk("type=WITHDRAW&limit=2")).toEqual(await listed("type=WITHDRAW"));
    expect(await walk("reference=to%20other&limit=4&order=asc")).toEqual(
      await listed("reference=to%20other&order=asc"),
    );
  });
});

describe("a cursor is good for its list alone", () => {
  test("not for another wallet, list, filter or order; another limit is no other list", async () => {
    const { cursor } = await page("limit=2&type=WITHDRAW");
    const elsewhere = [
      `limit=2&cursor=${cursor}`,
      `limit=2&type=FUND&cursor=${cursor}`,
      `limit=2&type=WITHDRAW&status=COMPLETED&cursor=${cursor}`,
      `limit=2&type=WITHDRAW&reference=r&cursor=${cursor}`,
      `limit=2&type=WITHDRAW&from=2000-01-01T00:00:00Z&cursor=${cursor}`,
      `limit=2&type=WITHDRAW&order=asc&cursor=${cursor}`,
      `limit=2&type=WITHDRAW&cursor=${cursor}x`,
      `limit=2&type=WITHDRAW&cursor=${cursor?.slice(1)}`,
    ];
    for (const query of elsewhere) expect([query, (await page(query)).code]).toEqual([query, "invalid_cursor"]);
    const paths = [
      `/wallets/${other}/transactions?type=WITHDRAW&`,
      "/users/tester/wallets?",
      `/transactions?wallet_id=${wallet}&`,
    ];
    for (const path of paths) expect((await service.get(`${path}cursor=${cursor}`)).body.code).toBe("invalid_cursor");
    expect((await page(`limit=4&type=WITHDRAW&cursor=${cursor}`)).items).toHaveLength(4);
  });
});

describe("the other lists", () => {
  test("a user's wallets in the order in which they were opened, also while more are opened", async () => {
    const opened: string[] = [];
    const open = async () => {
      opened.push(await service.open(undefined, { user_id: "collector" }));
    };
    for (let n = 0; n < 5; n += 1) await open();
    let left = 2;
    const seen = await walk("limit=2", "/users/collector/wallets", async () => {
      left -= 1;
      if (left >= 0) await open();
    });
    expect(seen.map(({ id }) => id)).toEqual(opened);
  });

  test("the sagas of a wallet, sent and received, newest first", async () => {
    const start = async (from: string, to: string) => {
      const ids = { sender_wallet_id: from, receiver_wallet_id: to, idempotency_key: crypto.randomUUID() };
      return (await service.post("/transactions", { ...ids, amount: "1" })).body.id as string;
    };
    const started = [await start(wallet, other), await start(other, wallet), await start(wallet, other)].reverse();
    const sagas = await walk(`wallet_id=${wallet}&limit=2`, "/transactions");
    expect(sagas.map(({ id }) => id)).toEqual(started);
    expect((await page(`wallet_id=${wallet}&status=INITIATED`, "/transactions")).items).toEqual(sagas);
    expect((await page(`wallet_id=${wallet}&status=SUCCESS`, "/transactions")).items).toEqual([]);
    expect((await page(`wallet_id=${crypto.randomUUID()}`, "/transactions")).items).toEqual([]);
  });

  test("the lines of an unknown wallet are not found; those of a new one are none", async () => {
    expect((await page("", `/wallets/${crypto.randomUUID()}/transactions`)).code).toBe("wallet_not_found");
    expect(await page("", `/wallets/${await service.open()}/transactions`)).toMatchObject({ items: [], cursor: null });
  });
});
