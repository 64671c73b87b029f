import { Elysia, t } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { exact, oneOf, uuid } from "../shared/http/fields.ts";
import { parseKey } from "../shared/http/idempotency-key.ts";
import { decodeCursor, listParameters, page, parseLimit } from "../shared/http/lists.ts";
import { invalid } from "../shared/http/problems.ts";
import { uuidv7 } from "../shared/ids.ts";
import { answer, json, transactionHeaders } from "./answer.ts";
import type { Committer } from "./committer.ts";
import { attemptOf } from "./idempotency.ts";
import { EXAMPLES, listOf, SAGA_STATUSES, Saga, SagaBody, SEEDED } from "./models.ts";
import { movementOf } from "./movement.ts";
import type { Outcome } from "./operation.ts";
import { parseWait, WAIT_MAX_S } from "./prefer.ts";
import type { Queries, SagaRow } from "./queries.ts";
import type { Waiting } from "./waiting.ts";

export interface SagaRoutes {
  readonly committer: Committer;
  readonly queries: Queries;
  readonly waiting: Waiting;
}

/** Bun ends a connection on which nothing happens; one that waits as it was asked to gets this long. */
export const WAIT_TIMEOUT_S = WAIT_MAX_S + 10;

const TAGS = ["Sagas"];

/** Routes of transfers in which the ledger decides: start and list. One is read at `/transactions/{id}`. */
export function sagaRoutes({ committer, queries, waiting }: SagaRoutes) {
  return new Elysia()
    .post(
      "/transactions",
      async ({ body, request, server }) => {
        const header = parseKey(request);
        if (header !== undefined && header !== body.idempotency_key) {
          throw invalid("header", "/Idempotency-Key", "must equal the body's idempotency_key");
        }
        const id = uuidv7();
        const wallet_id = body.sender_wallet_id.toLowerCase();
        const movement = { to_wallet_id: body.receiver_wallet_id.toLowerCase(), ...movementOf(body) };
        const attempt = attemptOf(request, id, { wallet_id, ...movement }, body.idempotency_key);
        const reserve = { kind: "RESERVE", id, out_line_id: uuidv7(), wallet_id, ...movement, ...attempt } as const;
        const outcome = await committer.submit(reserve);
        const seconds = parseWait(request.headers.get("prefer"));
        const saga = sagaIdOf(outcome);
        if (seconds === undefined || saga === undefined) return answer(request, outcome, transactionHeaders);
        server?.timeout(request, WAIT_TIMEOUT_S);
        const row = (await waiting.wait(saga, seconds)) ?? (await queries.saga(saga));
        const applied = { "preference-applied": `wait=${seconds}` };
        return row === undefined ? answer(request, outcome, transactionHeaders) : answerLater(row, outcome, applied);
      },
      {
        body: SagaBody,
        ...describe({
          operationId: "startSaga",
          summary: "Start a transfer in which the ledger decides",
          description:
            "Holds the amount, and answers at once. The ledger then posts or refuses it, and the hold becomes a transfer or ends. With `Prefer: wait=N` the answer comes as soon as that has happened, after N seconds at the latest.",
          tags: TAGS,
          status: 202,
          answer: Saga,
          example: EXAMPLES.saga,
          bodyExample: {
            sender_wallet_id: SEEDED.alice,
            receiver_wallet_id: SEEDED.bob,
            amount: "2.00",
            idempotency_key: "rent-2026-01",
            description: "Rent",
          },
          requestHeaders: ["Idempotency-Key", "If-Match", "Prefer"],
          responseHeaders: ["Location", "Idempotency-Replayed", "Preference-Applied"],
          errors: [
            "wallet_not_found",
            "version_mismatch",
            "same_wallet",
            "currency_mismatch",
            "wallet_frozen",
            "insufficient_funds",
            "balance_limit_exceeded",
            "idempotency_key_reused",
            "idempotency_in_progress",
            "overloaded",
            "unavailable",
            "outcome_unknown",
          ],
        }),
      },
    )
    .get(
      "/transactions",
      async ({ query }) => {
        const limit = parseLimit(query.limit);
        const filters = { wallet_id: query.wallet_id.toLowerCase(), status: query.status };
        const list = { list: "sagas", filters, columns: ["id"] } as const;
        const [after] = query.cursor === undefined ? [] : decodeCursor(query.cursor, list);
        const rows = await queries.sagasOfWallet({ ...filters, after, limit: limit + 1 });
        const { items, next_cursor } = page(rows, limit, list, (row) => [row.id]);
        return json({ items: items.map(sagaOf), next_cursor });
      },
      {
        query: exact({ ...listParameters, wallet_id: uuid, status: t.Optional(oneOf(SAGA_STATUSES)) }),
        ...describe({
          operationId: "listSagas",
          summary: "List the sagas of a wallet",
          description: "Those that it sends and those that it receives, newest first; none for an unknown wallet.",
          tags: TAGS,
          answer: listOf(Saga),
          example: { items: [EXAMPLES.saga], next_cursor: null },
          errors: ["unavailable"],
        }),
      },
    );
}

/** A saga as it is answered, `type` in its place. */
export function sagaOf({ id, ...row }: SagaRow) {
  return { id, type: "SAGA", ...row };
}

function sagaIdOf(outcome: Outcome): string | undefined {
  if (outcome.failure !== undefined || outcome.status !== 202 || outcome.response === null) return undefined;
  const { id }: { id: string } = JSON.parse(outcome.response);
  return id;
}

function answerLater(row: SagaRow, outcome: Outcome, headers: Record<string, string>): Response {
  const replayed = outcome.failure === undefined && outcome.replayed ? { "idempotency-replayed": "true" } : {};
  return json(sagaOf(row), { ...transactionHeaders(row), ...replayed, ...headers }, 202);
}
