/**
 * A baseline behind Elysia, as a process of its own: `bun bench/baselines/server.ts <way> <connections>` with DATABASE_URL
 * and PORT. The route and its body are the system's; its access log, metrics and conventions are left out, which is an
 * advantage for the baseline.
 */
import { Elysia, t } from "elysia";
import { drizzleTransaction } from "./drizzle-transaction.ts";
import { optimistic } from "./optimistic.ts";
import { singleCall } from "./single-call.ts";
import { requestOf } from "./transfer.ts";

/** Each way of writing a transfer, by its name in the report. */
export const WAYS = {
  "Drizzle transaction": drizzleTransaction,
  "one SQL call": singleCall,
  "optimistic version": optimistic,
} as const;
export type Way = keyof typeof WAYS;

const AMOUNT = "^(0|[1-9]\\d{0,14})(\\.\\d{1,4})?$";
const JSON_TYPE = { "content-type": "application/json" };

export function createBaseline(transfer: ReturnType<(typeof WAYS)[Way]>) {
  return new Elysia()
    .get("/health", () => ({ status: "ok" }))
    .post(
      "/wallets/:id/transfer",
      async ({ params, body, headers }) => {
        const request = requestOf(params.id, body, headers["idempotency-key"]);
        const answer = await transfer(request);
        return new Response(answer.body, { status: answer.status, headers: JSON_TYPE });
      },
      {
        params: t.Object({ id: t.String({ format: "uuid" }) }),
        headers: t.Object({ "idempotency-key": t.String({ minLength: 1, maxLength: 255 }) }),
        body: t.Object(
          { to_wallet_id: t.String({ format: "uuid" }), amount: t.String({ pattern: AMOUNT }) },
          { additionalProperties: false },
        ),
      },
    );
}

function isWay(name: string): name is Way {
  return name in WAYS;
}

if (import.meta.main) {
  const [, , way = "", connections = ""] = process.argv;
  const { DATABASE_URL = "", PORT = "" } = process.env;
  if (!isWay(way)) throw new Error(`no such baseline: ${way}`);
  createBaseline(WAYS[way](DATABASE_URL, Number(connections))).listen({ port: Number(PORT), hostname: "127.0.0.1" });
  process.on("SIGTERM", () => process.exit(0));
}
