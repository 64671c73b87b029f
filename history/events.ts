import { Elysia, t } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { countParameter, exact, idPath, instantParameter, oneOf, userId } from "../shared/http/fields.ts";
import {
  decodeCursor,
  type List,
  listParameters,
  type Position,
  page,
  parseInstant,
  parseLimit,
} from "../shared/http/lists.ts";
import { Problem } from "../shared/http/problems.ts";
import { json } from "./answer.ts";
import type { Arrivals } from "./arrivals.ts";
import { EVENT_TYPES, EXAMPLES, HistoryEventList, toItem } from "./models.ts";
import type { EventFilter, EventRow, Queries } from "./queries.ts";

export interface EventRoutes {
  readonly queries: Queries;
  readonly arrivals: Arrivals;
}

const filterParameters = {
  ...listParameters,
  type: t.Optional(oneOf(EVENT_TYPES)),
  from: t.Optional(instantParameter),
  to: t.Optional(instantParameter),
  order: t.Optional(oneOf(["asc", "desc"])),
};
const ActivityQuery = exact(filterParameters);
const HistoryQuery = exact({ ...filterParameters, min_version: t.Optional(countParameter) });
type FilterQuery = typeof ActivityQuery.static;

const TAGS = ["History"];
const LISTED = {
  tags: TAGS,
  answer: HistoryEventList,
  example: { items: [EXAMPLES.event], next_cursor: null },
} as const;

/** Lists of events: the history of a wallet and the activity of a user, each under two paths. */
export function eventRoutes({ queries, arrivals }: EventRoutes) {
  const history = async ({ params, query }: { params: { id: string }; query: typeof HistoryQuery.static }) => {
    const wallet_id = params.id.toLowerCase();
    const { filter, named } = parseFilter(query);
    const list = { list: "wallet-history", filters: { wallet_id, ...named }, columns: ["version"] } as const;
    const [after] = positionIn(query, list) ?? [];
    const awaited = query.min_version;
    if (awaited !== undefined && !(await arrivals.waitFor({ wallet_id, version: Number(awaited) }))) {
      throw new Problem("history_behind");
    }
    const rows = await queries.eventsOfWallet(wallet_id, filter, after);
    return answer(rows, filter, list, (row) => [String(row.wallet_version)]);
  };

  const activity = async ({ params, query }: { params: { user_id: string }; query: FilterQuery }) => {
    const { filter, named } = parseFilter(query);
    const filters = { user_id: params.user_id, ...named };
    const list = { list: "user-activity", filters, columns: ["instant", "id"] } as const;
    const rows = await queries.eventsOfUser(params.user_id, filter, positionIn(query, list));
    return answer(rows, filter, list, (row) => [row.occurred_at, row.id]);
  };

  return new Elysia()
    .get("/wallets/:id/history", history, {
      params: idPath,
      query: HistoryQuery,
      ...describeHistory("listHistoryOfWallet"),
    })
    .get("/history/wallets/:id", history, {
      params: idPath,
      query: HistoryQuery,
      ...describeHistory("listWalletHistory"),
    })
    .get("/users/:user_id/activity", activity, { ...ofUser, ...describeActivity("listActivityOfUser") })
    .get("/history/users/:user_id", activity, { ...ofUser, ...describeActivity("listUserHistory") });
}

const ofUser = { params: exact({ user_id: userId }), query: ActivityQuery };

function describeHistory(operationId: string) {
  return describe({
    ...LISTED,
    operationId,
    summary: "List the events of a wallet",
    description:
      "Newest first; empty for a wallet whose events have not arrived yet. from is inclusive, to exclusive. With min_version the " +
      "answer waits up to 2 s for that version of the wallet: give it the version of a wallet's answer to read one's own writes.",
    errors: ["history_behind", "unavailable"],
  });
}

function describeActivity(operationId: string) {
  return describe({
    ...LISTED,
    operationId,
    summary: "List the events of a user",
    description:
      "Over all wallets of the user, newest first; empty for an unknown user. from is inclusive, to exclusive.",
    errors: ["unavailable"],
  });
}

/** The filter of a query, and the same as what a cursor is good for. One row more is asked for than is shown. */
function parseFilter(query: FilterQuery): { filter: EventFilter; named: List["filters"] } {
  const { type, order = "desc" } = query;
  const from = query.from === undefined ? undefined : parseInstant(query.from, "from");
  const to = query.to === undefined ? undefined : parseInstant(query.to, "to");
  return { filter: { type, from, to, order, limit: parseLimit(query.limit) + 1 }, named: { type, from, to, order } };
}

function positionIn(query: FilterQuery, list: List): Position | undefined {
  return query.cursor === undefined ? undefined : decodeCursor(query.cursor, list);
}

function answer(
  rows: readonly EventRow[],
  filter: EventFilter,
  list: List,
  toPosition: (row: EventRow) => Position,
): Response {
  const { items, next_cursor } = page(rows, filter.limit - 1, list, toPosition);
  return json({ items: items.map(toItem), next_cursor });
}
