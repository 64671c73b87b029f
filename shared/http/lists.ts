import { t } from "elysia";
import { isUuid } from "../ids.ts";
import { readInstant } from "./instants.ts";
import { invalid, Problem } from "./problems.ts";

/** Items of a page where the client does not say. */
export const LIMIT_DEFAULT = 50;
/** The most items of a page: keeps an answer below about 200 KB. */
export const LIMIT_MAX = 200;
/** A cursor holds two or three short texts; anything much longer was not made here. */
const CURSOR_MAX_CHARACTERS = 512;
/** Characters of the hash that ties a cursor to its list: 48 bits, against mix-ups and not against forgers. */
const SCOPE_CHARACTERS = 8;

const LIMIT = /^(?:[1-9]\d?|1\d\d|200)$/;

/** The parameters of every list: `exact({ ...listParameters, type: t.Optional(…) })`. */
export const listParameters = {
  limit: t.Optional(
    t.String({
      pattern: LIMIT.source,
      "x-rule": `must be an integer from 1 to ${LIMIT_MAX}`,
      "x-documented": { type: "integer", minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT },
      description: "The most items to answer.",
    }),
  ),
  cursor: t.Optional(t.String({ description: "next_cursor of the page before, as it came." })),
};

/** Items of a page. @throws Problem 400 unless the text is an integer from 1 to 200. */
export function parseLimit(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  if (!LIMIT.test(text)) throw invalid("query", "/limit", `must be an integer from 1 to ${LIMIT_MAX}`);
  return Number(text);
}

/** What a column of a list's order holds: decides which texts a cursor may carry into a query. */
export type OrderColumn = "version" | "instant" | "id";

/** Which list, under which filters, in which order: a cursor is good for exactly one. */
export interface List {
  /** Its name, such as `wallet-transactions`. */
  readonly list: string;
  /** All that narrows or turns it, ids of the path and `order` included; undefined is the same as left out. */
  readonly filters: Readonly<Record<string, string | undefined>>;
  /** The kinds of the columns in its ORDER BY; the position of a row is their texts, in this order. */
  readonly columns: readonly OrderColumn[];
}

/** The place of a row in its list: the texts of its ORDER BY columns. */
export type Position = readonly string[];

/** An opaque cursor behind the row at this position. */
export function encodeCursor({ position, ...list }: List & { position: Position }): string {
  return Buffer.from(JSON.stringify([scopeOf(list), ...position])).toString("base64url");
}

/** The position in a cursor of this very list. @throws Problem 400 `invalid_cursor` for any other text. */
export function decodeCursor(text: string, list: List): Position {
  const parts = text.length <= CURSOR_MAX_CHARACTERS && BASE64URL.test(text) ? parseParts(text) : undefined;
  if (parts === undefined || parts.length !== list.columns.length + 1) throw new Problem("invalid_cursor");
  const [scope, ...position] = parts;
  const fits = list.columns.every((column, at) => IS[column](position[at] ?? ""));
  if (!fits || scope !== scopeOf(list)) throw new Problem("invalid_cursor");
  return position;
}

/** One page of a list, as it is answered. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

/** A page out of `limit + 1` queried rows: the row too many only says that there is a next page. */
export function page<Row>(
  rows: readonly Row[],
  limit: number,
  list: List,
  toPosition: (row: Row) => Position,
): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next_cursor = rows.length > limit && last ? encodeCursor({ ...list, position: toPosition(last) }) : null;
  return { items, next_cursor };
}

/**
 * A client's time as UTC with six decimals (`2026-01-31T12:00:00.000000Z`), ready for `>= from` and `< to`.
 * @throws Problem 400 unless it is an RFC 3339 time that exists, of the years 1 to 9999
 */
export function parseInstant(text: string, name: string): string {
  const instant = readInstant(text);
  if (instant === undefined)
    throw invalid("query", `/${name}`, "must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
  return instant;
}

const BASE64URL = /^[\w-]+$/;

const IS: Record<OrderColumn, (text: string) => boolean> = {
  version: (text) => /^\d{1,18}$/.test(text),
  instant: (text) => readInstant(text) !== undefined,
  id: isUuid,
};

function parseParts(text: string): string[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(parts) && parts.every((part) => typeof part === "string") ? parts : undefined;
  } catch {
    return undefined;
  }
}

function scopeOf({ list, filters }: Pick<List, "list" | "filters">): string {
  const named = Object.entries(filters).filter(([, value]) => value !== undefined);
  const text = JSON.stringify([list, named.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  return new Bun.CryptoHasher("sha256").update(text).digest("base64url").slice(0, SCOPE_CHARACTERS);
}
