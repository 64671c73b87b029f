import { Elysia } from "elysia";
import type { RouteDescription } from "../shared/http/describe.ts";
import { describe } from "../shared/http/describe.ts";
import { uuidv7 } from "../shared/ids.ts";
import { answer, transactionHeaders } from "./answer.ts";
import type { Committer } from "./committer.ts";
import { attemptOf } from "./idempotency.ts";
import { EXAMPLES, MovementBody, SEEDED, Transaction, Transfer, TransferBody, walletPath } from "./models.ts";
import { movementOf } from "./movement.ts";

const TAGS = ["Transfers"];

const MONEY = {
  tags: TAGS,
  status: 201,
  requestHeaders: ["Idempotency-Key", "If-Match"],
  responseHeaders: ["Location", "Idempotency-Replayed"],
} as const satisfies Partial<RouteDescription>;

const REFUSED = [
  "wallet_not_found",
  "version_mismatch",
  "wallet_frozen",
  "idempotency_key_reused",
  "idempotency_in_progress",
  "overloaded",
  "unavailable",
  "outcome_unknown",
] as const;

/** Routes that move money: parse, submit, answer. */
export function transferRoutes({ committer }: { readonly committer: Committer }) {
  return new Elysia()
    .post(
      "/wallets/:id/fund",
      async ({ params, body, request }) => {
        const id = uuidv7();
        const movement = movementOf(body);
        const fund = {
          kind: "FUND",
          id,
          wallet_id: params.id,
          ...movement,
          ...attemptOf(request, id, movement),
        } as const;
        return answer(request, await committer.submit(fund), transactionHeaders);
      },
      {
        params: walletPath,
        body: MovementBody,
        ...describe({
          ...MONEY,
          operationId: "fundWallet",
          summary: "Fund a wallet",
          description: "Money comes in from outside.",
          answer: Transaction,
          example: EXAMPLES.transaction,
          bodyExample: { amount: "10.50", description: "Monthly top-up", reference: "INV-2026-001" },
          errors: [...REFUSED, "balance_limit_exceeded"],
        }),
      },
    )
    .post(
      "/wallets/:id/withdraw",
      async ({ params, body, request }) => {
        const id = uuidv7();
        const movement = movementOf(body);
        const withdraw = {
          kind: "WITHDRAW",
          id,
          wallet_id: params.id,
          ...movement,
          ...attemptOf(request, id, movement),
        } as const;
        return answer(request, await committer.submit(withdraw), transactionHeaders);
      },
      {
        params: walletPath,
        body: MovementBody,
        ...describe({
          ...MONEY,
          operationId: "withdrawFromWallet",
          summary: "Withdraw from a wallet",
          description: "Money goes out. A lack of funds leaves a FAILED line and moves nothing.",
          answer: Transaction,
          example: { ...EXAMPLES.transaction, type: "WITHDRAW", balance_after: "89.5000" },
          bodyExample: { amount: "10.50" },
          errors: [...REFUSED, "insufficient_funds"],
        }),
      },
    )
    .post(
      "/wallets/:id/transfer",
      async ({ params, body, request }) => {
        const id = uuidv7();
        const movement = { to_wallet_id: body.to_wallet_id.toLowerCase(), ...movementOf(body) };
        const transfer = {
          kind: "TRANSFER",
          id,
          in_line_id: uuidv7(),
          wallet_id: params.id,
          ...movement,
          ...attemptOf(request, id, movement),
        } as const;
        return answer(request, await committer.submit(transfer), transactionHeaders);
      },
      {
        params: walletPath,
        body: TransferBody,
        ...describe({
          ...MONEY,
          operationId: "transfer",
          summary: "Transfer to another wallet",
          description: "Both sides in one transaction. A lack of funds leaves a FAILED line and moves nothing.",
          answer: Transfer,
          example: EXAMPLES.transfer,
          bodyExample: { to_wallet_id: SEEDED.bob, amount: "3.00", description: "Lunch" },
          errors: [...REFUSED, "insufficient_funds", "same_wallet", "currency_mismatch", "balance_limit_exceeded"],
        }),
      },
    );
}
