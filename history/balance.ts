import { Elysia, t } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { countParameter, exact, idPath, instantParameter } from "../shared/http/fields.ts";
import { parseInstant } from "../shared/http/lists.ts";
import { invalid, Problem } from "../shared/http/problems.ts";
import { formatAmount, money } from "../shared/money.ts";
import { json } from "./answer.ts";
import { Balance, EXAMPLES } from "./models.ts";
import type { EventRow, Queries } from "./queries.ts";

/** The balance of a wallet at a moment, at a version, or now: every event says what it left behind. */
export function balanceRoutes(queries: Queries) {
  return new Elysia().get(
    "/wallets/:id/balance",
    async ({ params, query }) => {
      const { at, version } = query;
      if (at !== undefined && version !== undefined)
        throw invalid("query", "/version", "must not be given together with at");
      const wallet_id = params.id.toLowerCase();
      if (version !== undefined) return json(toBalance(await eventAtVersion(queries, wallet_id, Number(version))));
      if (at === undefined) return json(toBalance(known(await queries.latestEvent(wallet_id))));
      const moment = parseInstant(at, "at");
      return json(toBalance(await eventAtTime(queries, wallet_id, moment), moment));
    },
    {
      params: idPath,
      query: exact({ at: t.Optional(instantParameter), version: t.Optional(countParameter) }),
      ...describe({
        operationId: "getBalanceThen",
        summary: "Read the balance of a wallet at a time or version",
        description: "Without a parameter, the latest that is known. Computed from the history alone.",
        tags: ["History"],
        answer: Balance,
        example: EXAMPLES.balance,
        errors: ["wallet_not_found", "history_behind", "unavailable"],
      }),
    },
  );
}

/** @throws Problem `history_behind` where the version has not arrived, `wallet_not_found` where none has. */
async function eventAtVersion(queries: Queries, wallet_id: string, version: number): Promise<EventRow> {
  const [found] = await queries.eventsFromVersion(wallet_id, version);
  if (found?.wallet_version === version) return found;
  known(await queries.latestEvent(wallet_id));
  throw new Problem("history_behind");
}

/** @throws Problem `wallet_not_found` before the wallet's first event, `history_behind` where a missing one could be the answer. */
async function eventAtTime(queries: Queries, wallet_id: string, at: string): Promise<EventRow> {
  const [found, next] = await queries.eventsFromTime(wallet_id, at);
  const standing = known(found);
  if (standing.occurred_at > at)
    throw new Problem(standing.wallet_version === 1 ? "wallet_not_found" : "history_behind");
  if (next !== undefined && next.wallet_version !== standing.wallet_version + 1) throw new Problem("history_behind");
  return standing;
}

function known(event: EventRow | undefined): EventRow {
  if (event === undefined) throw new Problem("wallet_not_found");
  return event;
}

function toBalance({ wallet_id, wallet_version, occurred_at, event_data }: EventRow, as_of = occurred_at): Balance {
  const { currency, balance_after: balance, held_after: held } = event_data;
  const available = formatAmount(money(balance).minus(money(held)));
  return { wallet_id, currency, balance, held, available, wallet_version, as_of };
}
