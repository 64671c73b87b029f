import { Elysia, t } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { exact, idPath, instantParameter, oneOf, text } from "../shared/http/fields.ts";
import { decodeCursor, listParameters, page, parseInstant, parseLimit } from "../shared/http/lists.ts";
import { Problem } from "../shared/http/problems.ts";
import { json } from "./answer.ts";
import { EXAMPLES, listOf, TRANSACTION_STATUSES, TRANSACTION_TYPES, Transaction } from "./models.ts";
import type { Queries } from "./queries.ts";

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
export function transactionRoutes({ queries }: { readonly queries: Queries }) {
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
        params: idPath,
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
      async ({ params }) => {
        const row = await queries.transaction(params.id);
        if (row === undefined) throw new Problem("transaction_not_found");
        return json(row);
      },
      {
        params: idPath,
        ...describe({
          operationId: "getTransaction",
          summary: "Read a transaction",
          tags: TAGS,
          answer: Transaction,
          example: EXAMPLES.transaction,
          errors: ["transaction_not_found", "unavailable"],
        }),
      },
    );
}
