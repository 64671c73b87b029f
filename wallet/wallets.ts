import { Elysia } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { etag, ifNoneMatch } from "../shared/http/etag.ts";
import { exact } from "../shared/http/fields.ts";
import { decodeCursor, listParameters, page, parseLimit } from "../shared/http/lists.ts";
import { invalid, Problem } from "../shared/http/problems.ts";
import { uuidv7 } from "../shared/ids.ts";
import { answer, json, openedHeaders, walletHeaders } from "./answer.ts";
import type { Committer } from "./committer.ts";
import { attemptOf } from "./idempotency.ts";
import { DEFAULT_CURRENCY, EXAMPLES, isCurrency, listOf, OpenBody, userPath, Wallet, walletPath } from "./models.ts";
import type { Queries } from "./queries.ts";

export interface WalletRoutes {
  readonly committer: Committer;
  readonly queries: Queries;
}

const TAGS = ["Wallets"];
const KEPT = [
  "idempotency_key_reused",
  "idempotency_in_progress",
  "overloaded",
  "unavailable",
  "outcome_unknown",
] as const;
const ANSWERED = { answer: Wallet, example: EXAMPLES.wallet, tags: TAGS } as const;

/** Routes of wallets: open, read, of a user, freeze. */
export function walletRoutes({ committer, queries }: WalletRoutes) {
  const freeze = async (kind: "FREEZE" | "UNFREEZE", id: string, request: Request) =>
    answer(request, await committer.submit({ kind, wallet_id: id, ...attemptOf(request, uuidv7()) }), walletHeaders);

  return new Elysia()
    .post(
      "/wallets",
      async ({ body, request }) => {
        const opened = { user_id: body.user_id, currency: body.currency ?? DEFAULT_CURRENCY };
        if (!isCurrency(opened.currency))
          throw invalid("body", "/currency", "must be an ISO 4217 currency code in upper case");
        const id = uuidv7();
        const outcome = await committer.submit({ kind: "CREATE", id, ...opened, ...attemptOf(request, id, opened) });
        return answer(request, outcome, openedHeaders);
      },
      {
        body: OpenBody,
        ...describe({
          ...ANSWERED,
          operationId: "openWallet",
          summary: "Open a wallet",
          description: "A user may have any number of wallets. A wallet starts empty, at version 1.",
          status: 201,
          bodyExample: { user_id: "carol", currency: "USD" },
          requestHeaders: ["Idempotency-Key"],
          responseHeaders: ["ETag", "Location", "Idempotency-Replayed"],
          errors: [...KEPT],
        }),
      },
    )
    .get(
      "/wallets/:id",
      async ({ params, request }) => {
        const row = await queries.wallet(params.id);
        if (row === undefined) throw new Problem("wallet_not_found");
        const tag = etag(row.version);
        const headers = { etag: tag, "cache-control": "private, no-cache" };
        if (ifNoneMatch(request.headers.get("if-none-match"), tag)) return new Response(null, { status: 304, headers });
        return json(row, headers);
      },
      {
        params: walletPath,
        ...describe({
          ...ANSWERED,
          operationId: "getWallet",
          summary: "Read a wallet",
          requestHeaders: ["If-None-Match"],
          responseHeaders: ["ETag"],
          errors: ["wallet_not_found", "unavailable"],
        }),
      },
    )
    .get(
      "/users/:user_id/wallets",
      async ({ params, query }) => {
        const limit = parseLimit(query.limit);
        const list = { list: "user-wallets", filters: { user: params.user_id }, columns: ["id"] } as const;
        const [after] = query.cursor === undefined ? [] : decodeCursor(query.cursor, list);
        const rows = await queries.walletsOfUser(params.user_id, after, limit + 1);
        return json(page(rows, limit, list, (row) => [row.id]));
      },
      {
        params: userPath,
        query: exact(listParameters),
        ...describe({
          operationId: "listWalletsOfUser",
          summary: "List the wallets of a user",
          description: "In the order in which they were opened; empty for an unknown user.",
          tags: TAGS,
          answer: listOf(Wallet),
          example: { items: [EXAMPLES.wallet], next_cursor: null },
          errors: ["unavailable"],
        }),
      },
    )
    .post("/wallets/:id/freeze", ({ params, request }) => freeze("FREEZE", params.id, request), {
      params: walletPath,
      ...describe({
        ...ANSWERED,
        operationId: "freezeWallet",
        role: "admin",
        summary: "Freeze a wallet",
        description:
          "A frozen wallet neither pays nor receives by a client's operation. Repeated: the same answer, no event.",
        example: { ...EXAMPLES.wallet, status: "FROZEN", version: 3 },
        requestHeaders: ["Idempotency-Key"],
        responseHeaders: ["ETag", "Idempotency-Replayed"],
        errors: ["wallet_not_found", ...KEPT],
      }),
    })
    .post("/wallets/:id/unfreeze", ({ params, request }) => freeze("UNFREEZE", params.id, request), {
      params: walletPath,
      ...describe({
        ...ANSWERED,
        operationId: "unfreezeWallet",
        role: "admin",
        summary: "Unfreeze a wallet",
        description: "Repeated: the same answer, no event.",
        requestHeaders: ["Idempotency-Key"],
        responseHeaders: ["ETag", "Idempotency-Replayed"],
        errors: ["wallet_not_found", ...KEPT],
      }),
    });
}
