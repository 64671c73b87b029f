import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeCursor, encodeCursor, type List, type OrderColumn, page, parseInstant, parseLimit } from "./lists.ts";
import { Problem } from "./problems.ts";

const list: List = {
  list: "lines",
  filters: { wallet: "w1", type: undefined, order: "desc" },
  columns: ["instant", "id"],
};
const position = ["2026-01-31T12:00:00.123456Z", "01980a1b-7c3d-7e4f-8a5b-6c7d8e9f0a1b"];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error.problem;
    throw error;
  }
  return "accepted";
}

describe("a cursor is good for its own list only", () => {
  test("it leads back to the position that it was made of", () => {
    const cursor = encodeCursor({ ...list, position });
    expect(decodeCursor(cursor, list)).toEqual(position);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeCursor(cursor, { ...list, filters: { order: "desc", wallet: "w1" } })).toEqual(position);
  });

  test("another list, another filter or another order refuses it", () => {
    const cursor = encodeCursor({ ...list, position });
    for (const other of [
      { ...list, list: "events" },
      { ...list, filters: { ...list.filters, wallet: "w2" } },
      { ...list, filters: { ...list.filters, type: "FUND" } },
      { ...list, filters: { ...list.filters, order: "asc" } },
      { ...list, columns: ["instant"] },
      { ...list, columns: ["version", "id"] },
    ] satisfies List[]) {
      expect(codeOf(() => decodeCursor(cursor, other))).toBe("invalid_cursor");
    }
  });

  test("nothing that was not made here reaches a query", () => {
    const [scope] = JSON.parse(Buffer.from(encodeCursor({ ...list, position }), "base64url").toString());
    const forged = [
      ["2026-13-31T12:00:00Z", position[1]],
      [position[0], "'; drop table wallets"],
      [position[0]],
      [...position, "1"],
      [1, 2],
      [null, null],
      [{}, []],
    ].map((parts) => Buffer.from(JSON.stringify([scope, ...parts])).toString("base64url"));
    const malformed = [
      "",
      "!",
      "abc",
      "e30",
      "bnVsbA",
      "W10",
      "\u0000",
      "a".repeat(100_000),
      `${encodeCursor({ ...list, position })}=`,
    ];
    for (const cursor of [...forged, ...malformed])
      expect([cursor.slice(0, 99), codeOf(() => decodeCursor(cursor, list))]).toEqual([
        cursor.slice(0, 99),
        "invalid_cursor",
      ]);
  });
});

describe("whatever a client sends as a cursor", () => {
  const TEXTS = {
    version: fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }).map(String),
    instant: fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }).map((date) => {
      return date.toISOString();
    }),
    id: fc.uuid(),
  };
  const filters = fc.dictionary(fc.constantFrom("wallet", "type", "order", "from"), fc.string());
  /** A list, and the position of a row in it. */
  const placed = fc.array(fc.constantFrom<OrderColumn>("version", "instant", "id"), { minLength: 1 }).chain((columns) =>
    fc.record({
      list: fc.record({ list: fc.string(), filters, columns: fc.constant(columns) }),
      position: fc.tuple(...columns.map((column) => TEXTS[column])),
    }),
  );

  test("one that was made here leads back to its position", () => {
    fc.assert(
      fc.property(placed, ({ list, position }) => {
        const cursor = encodeCursor({ ...list, position });
        // What is longer than any real list's is refused before it is looked at.
        if (cursor.length <= 512) expect(decodeCursor(cursor, list)).toEqual(position);
      }),
    );
  });

  test("one of another list or other filters is refused", () => {
    fc.assert(
      fc.property(placed, fc.string(), filters, ({ list, position }, name, others) => {
        const cursor = encodeCursor({ ...list, position });
        const other = { ...list, list: name, filters: others };
        if (name === list.list && Bun.deepEquals(others, list.filters)) return;
        expect(codeOf(() => decodeCursor(cursor, other))).toBe("invalid_cursor");
      }),
    );
  });

  test("any other text is refused as what it is, or holds nothing but what its columns may hold", () => {
    const parts = fc.array(fc.oneof(fc.string(), fc.anything()), { maxLength: 4 });
    const forged = parts.map((each) => Buffer.from(JSON.stringify(each) ?? "").toString("base64url"));
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), forged);
    const list: List = { list: "lines", filters: {}, columns: ["version", "id"] };
    fc.assert(
      fc.property(text, (cursor) => {
        expect(codeOf(() => decodeCursor(cursor, list))).toBe("invalid_cursor");
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("pages cover a list once", () => {
  const rows = Array.from({ length: 5 }, (_, index) => ({ version: index + 1 }));
  const versions: List = { list: "versions", filters: {}, columns: ["version"] };
  const read = (limit: number, after: number) => rows.filter((row) => row.version > after).slice(0, limit + 1);

  test.each([1, 2, 4, 5, 6])("in pages of %p", (limit) => {
    const seen: number[] = [];
    let cursor: string | null | undefined;
    let pages = 0;
    while (cursor !== null) {
      const after = cursor === undefined ? 0 : Number(decodeCursor(cursor, versions)[0]);
      const answer = page(read(limit, after), limit, versions, (row) => [String(row.version)]);
      seen.push(...answer.items.map((row) => row.version));
      cursor = answer.next_cursor;
      pages += 1;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(pages).toBe(Math.ceil(5 / limit));
  });

  test("an empty list has one empty page", () => {
    expect(page([], 50, versions, () => [])).toEqual({ items: [], next_cursor: null });
  });
});

describe("limit is a plain integer from 1 to 200", () => {
  test.each([
    [undefined, 50],
    ["1", 1],
    ["9", 9],
    ["42", 42],
    ["100", 100],
    ["199", 199],
    ["200", 200],
  ])("%p is %p", (text, expected) => {
    expect(parseLimit(text)).toBe(expected);
  });

  test.each(["0", "201", "-1", "+5", " 5", "5.0", "1e2", "0x10", "05", "", "five", "9007199254740993", "5\n", "٥"])(
    "%p is refused",
    (text) => {
      expect(codeOf(() => parseLimit(text))).toBe("invalid_request");
    },
  );
});

describe("a limit is never anything but such a number", () => {
  test("whatever is sent", () => {
    const near = fc.string({ unit: fc.constantFrom(..."0123456789-+. e"), maxLength: 6 });
    fc.assert(
      fc.property(fc.oneof(near, fc.integer().map(String), fc.string({ unit: "binary" })), (text) => {
        const isOne = String(Number(text)) === text && Number.isInteger(Number(text));
        const fits = isOne && Number(text) >= 1 && Number(text) <= 200;
        expect(codeOf(() => parseLimit(text))).toBe(fits ? "accepted" : "invalid_request");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a time is RFC 3339 and nothing else", () => {
  test.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"],
    ["2026-01-31t12:00:00.5z", "2026-01-31T12:00:00.500000Z"],
    ["2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"],
    ["2026-01-31T12:00:00.1234561Z", "2026-01-31T12:00:00.123457Z"],
    ["2026-01-31T12:00:00.1234560Z", "2026-01-31T12:00:00.123456Z"],
    ["2026-12-31T23:59:59.9999999Z", "2027-01-01T00:00:00.000000Z"],
    ["2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000000Z"],
    ["2026-01-31T23:30:00-00:45", "2026-02-01T00:15:00.000000Z"],
    ["2026-01-31T12:00:00-23:59", "2026-02-01T11:59:00.000000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
  ])("%p is %p", (text, expected) => {
    expect(parseInstant(text, "from")).toBe(expected);
  });

  test.each([
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31 12:00:00Z",
    "2026-01-31T12:00Z",
    "2026-02-30T12:00:00Z",
    "2025-02-29T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    "2026-01-31T12:00:60Z",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+02:60",
    "2026-01-31T12:00:00 02:00",
    "2026-01-31T12:00:00.Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:00-01:00",
    "+12026-01-31T12:00:00Z",
    "1769860800",
    "now",
    "",
    "infinity",
  ])("%p is refused", (text) => {
    expect(codeOf(() => parseInstant(text, "from"))).toBe("invalid_request");
  });
});
