import { Elysia, t } from "elysia";
import { pino } from "pino";
import { conventions, ELYSIA_OPTIONS } from "./conventions.ts";
import { describe } from "./describe.ts";
import { docs } from "./docs.ts";
import { etag, ifNoneMatch, parseIfMatch } from "./etag.ts";
import { amount, countParameter, exact, idPath, instantParameter, oneOf, optional, text, userId } from "./fields.ts";
import type { Guard } from "./guard.ts";
import { type Health, health } from "./health.ts";
import { decodeCursor, listParameters, page, parseInstant, parseLimit } from "./lists.ts";
import { createMetrics, metricsPage } from "./metrics.ts";
import { problemPages } from "./problem-pages.ts";
import { Problem, problemResponse } from "./problems.ts";
import { pathOf, requestId } from "./request.ts";

/** A small service for the tests of this folder, with a route for every convention. */

const Wallet = exact({
  id: t.String({ format: "uuid" }),
  amount: t.String(),
  description: t.Union([t.String(), t.Null()]),
});
const WalletAnswer = { ...Wallet, title: "Wallet" };
const FundBody = exact({
  amount,
  description: optional(text({ min: 0, max: 255, controls: true })),
  user_id: optional(userId),
});
const ITEMS = Array.from({ length: 7 }, (_, index) => ({ version: index + 1 }));

function walletRoutes() {
  return new Elysia()
    .post(
      "/wallets/:id/fund",
      ({ body, request }) => {
        parseIfMatch(request.headers.get("if-match"));
        return new Response(JSON.stringify(body), {
          status: 201,
          headers: { "content-type": "application/json", etag: etag(2) },
        });
      },
      {
        params: idPath,
        body: FundBody,
        ...describe({
          summary: "Fund a wallet",
          operationId: "fundWallet",
          tags: ["Wallets"],
          status: 201,
          answer: WalletAnswer,
          example: { id: "01980a1b-7c3d-7e4f-8a5b-6c7d8e9f0a1b", amount: "10.5000", description: null },
          bodyExample: { amount: "10.50" },
          requestHeaders: ["Idempotency-Key", "If-Match"],
          responseHeaders: ["ETag", "Location"],
          errors: ["wallet_not_found", "version_mismatch", "insufficient_funds", "overloaded"],
        }),
      },
    )
    .post("/wallets/:id/freeze", ({ params }) => Response.json(params), {
      params: idPath,
      ...describe({ summary: "Freeze", operationId: "freeze", tags: ["Wallets"], answer: WalletAnswer, role: "admin" }),
    })
    .get(
      "/wallets/:id",
      ({ params, request }) => {
        const headers = { etag: etag(3) };
        if (ifNoneMatch(request.headers.get("if-none-match"), headers.etag))
          return new Response(null, { status: 304, headers });
        return Response.json(params, { headers });
      },
      {
        params: idPath,
        ...describe({
          summary: "Read a wallet",
          operationId: "readWallet",
          tags: ["Wallets"],
          answer: WalletAnswer,
          requestHeaders: ["If-None-Match"],
          errors: ["wallet_not_found"],
        }),
      },
    );
}

const list = (user: string) => ({ list: "items", filters: { user }, columns: ["version"] }) as const;

function listRoutes() {
  return new Elysia().get(
    "/users/:user_id/items",
    ({ params, query }) => {
      const limit = parseLimit(query.limit);
      if (query.from !== undefined) parseInstant(query.from, "from");
      const after = query.cursor === undefined ? 0 : Number(decodeCursor(query.cursor, list(params.user_id))[0]);
      const rows = ITEMS.filter((item) => item.version > after).slice(0, limit + 1);
      return Response.json({
        ...page(rows, limit, list(params.user_id), (row) => [String(row.version)]),
        user_id: params.user_id,
      });
    },
    {
      params: exact({ user_id: userId }),
      query: exact({
        ...listParameters,
        type: t.Optional(oneOf(["FUND", "WITHDRAW"])),
        from: t.Optional(instantParameter),
        min_version: t.Optional(countParameter),
      }),
      ...describe({
        summary: "List items",
        operationId: "listItems",
        tags: ["Lists"],
        answer: t.Object({ items: t.Array(WalletAnswer) }),
      }),
    },
  );
}

const about = (operationId: string) => describe({ summary: "Fails", operationId, tags: ["Broken"] });

/** Routes that go wrong in every way that a handler can. */
function brokenRoutes() {
  return new Elysia()
    .get(
      "/broken/error",
      () => Promise.reject(new Error("select secret from users where password = 'hunter2'")),
      about("error"),
    )
    .get(
      "/broken/nothing",
      () => {
        throw undefined;
      },
      about("nothing"),
    )
    .get(
      "/broken/text",
      () => {
        throw "secret text";
      },
      about("text"),
    )
    .get(
      "/broken/problem",
      () => {
        throw new Problem("history_behind", { extra: { version: 7 } });
      },
      about("problem"),
    )
    .get(
      "/broken/value",
      ({ request }) => {
        const context = { instance: pathOf(request), requestId: requestId(request) };
        return problemResponse("insufficient_funds", { ...context, extra: { transaction_id: "t" } });
      },
      about("value"),
    );
}

/** What the tests vary. */
export interface ExampleOptions {
  readonly corsOrigins?: readonly string[];
  readonly guard?: Guard | undefined;
  readonly checks?: Readonly<Record<string, () => Promise<Health>>>;
  readonly isFull?: () => boolean;
}

/** The service, and the lines that it has logged so far. */
export function createExample({
  corsOrigins = [],
  guard,
  isFull,
  checks = { database: async () => "ok" },
}: ExampleOptions = {}) {
  const logged: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void logged.push(line) });
  const metrics = createMetrics("example");
  const app = new Elysia(ELYSIA_OPTIONS)
    .use(conventions({ log, metrics, corsOrigins, guard, isFull }))
    .use(problemPages())
    .use(health({ checks }))
    .use(metricsPage(metrics))
    .use(
      docs({
        title: "Example",
        version: "1.0.0",
        description: "For tests.",
        tags: [{ name: "Wallets", description: "Wallets." }],
        guard,
      }),
    )
    .use(walletRoutes())
    .use(listRoutes())
    .use(brokenRoutes());
  return { app, log, logged, metrics };
}
