import { Elysia, t } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { exact, instantParameter, oneOf, text } from "../shared/http/fields.ts";
import { decodeCursor, listParameters, page, parseInstant, parseLimit } from "../shared/http/lists.ts";
import { Problem } from "../shared/http/problems.ts";
import { json } from "./answer.ts";
import {
  EXAMPLES,
  listOf,
  Saga,
  TRANSACTION_STATUSES,
  TRANSACTION_TYPES,
  Transaction,
  transactionPath,
  walletPath,
} from "./models.ts";
import { parseWait } from "./prefer.ts";
import type { Queries } from "./queries.ts";
import { sagaOf, WAIT_TIMEOUT_S } from "./sagas.ts";
import type { Waiting } from "./waiting.ts";

const TAGS = ["Transactions"];

const listQuery = exact({
  ...listParameters,
  type: t.Optional(oneOf(TRANSACTION_TYPES)),
  status: t.Optional(oneOf(TRANSACTION_STATUSES)),
  reference: t.Optional(text({ min: 1, max: 100, controls: true })),
  from: t.Optional(instantParameter),
  to: t.Optional(instantParameter),
  order: t.Optional(oneOf(["asc", "desc"])),
});

/** Routes that read lines: those of a wallet, and one. */
export function transactionRoutes({ queries, waiting }: { readonly queries: Queries; readonly waiting: Waiting }) {
  return new Elysia()
    .get(
      "/wallets/:id/transactions",
      async ({ params, query }) => {
        const limit = parseLimit(query.limit);
        const filters = {
          wallet_id: params.id.toLowerCase(),
          type: query.type,
          status: query.status,
          reference: query.reference,
          from: query.from === undefined ? undefined : parseInstant(query.from, "from"),
          to: query.to === undefined ? undefined : parseInstant(query.to, "to"),
          order: query.order ?? "desc",
        };
        const list = { list: "wallet-transactions", filters, columns: ["version"] } as const;
        const [after] = query.cursor === undefined ? [] : decodeCursor(query.cursor, list);
        const rows = await queries.transactionsOfWallet({ ...filters, after, limit: limit + 1 });
        if (rows.length === 0 && (await queries.wallet(params.id)) === undefined) throw new Problem("wallet_not_found");
        return json(page(rows, limit, list, (row) => [String(row.wallet_version)]));
      },
      {
        params: walletPath,
        query: listQuery,
        ...describe({
          operationId: "listTransactionsOfWallet",
          summary: "List the lines of a wallet",
          description: "Newest first unless order=asc. from is inclusive, to exclusive.",
          tags: TAGS,
          answer: listOf(Transaction),
          example: { items: [EXAMPLES.transaction], next_cursor: null },
          errors: ["wallet_not_found", "unavailable"],
        }),
      },
    )
    .get(
      "/transactions/:id",
      async ({ params, request, server }) => {
        const line = await queries.transaction(params.id);
        if (line !== undefined) return json(line);
        const saga = await queries.saga(params.id);
        if (saga === undefined) throw new Problem("transaction_not_found");
        const seconds = parseWait(request.headers.get("prefer"));
        if (seconds === undefined) return json(sagaOf(saga));
        server?.timeout(request, WAIT_TIMEOUT_S);
        const final = saga.status === "INITIATED" ? await waiting.wait(saga.id, seconds) : saga;
        const state = final ?? (await queries.saga(saga.id)) ?? saga;
        return json(sagaOf(state), { "preference-applied": `wait=${seconds}` });
      },
      {
        params: transactionPath,
        ...describe({
          operationId: "getTransaction",
          summary: "Read a transaction",
          description:
            "A line of a wallet, or a saga (`type` is `SAGA`). With `Prefer: wait=N` a saga is answered once it is final.",
          tags: TAGS,
          answer: t.Union([Transaction, Saga]),
          example: EXAMPLES.transaction,
          requestHeaders: ["Prefer"],
          responseHeaders: ["Preference-Applied"],
          errors: ["transaction_not_found", "unavailable"],
        }),
      },
    );
}
