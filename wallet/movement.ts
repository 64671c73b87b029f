import { invalid } from "../shared/http/problems.ts";
import { parseAmount } from "../shared/money.ts";
import type { MovementBody } from "./models.ts";

/** What all movements of money have in their bodies, in canonical form: the amount at four decimals, nulls left out. */
export function movementOf(body: MovementBody): { amount: string; description?: string; reference?: string } {
  const amount = parseAmount(body.amount);
  if (amount === undefined) throw invalid("body", "/amount", "must be a decimal string greater than zero");
  return {
    amount,
    ...(typeof body.description === "string" && { description: body.description }),
    ...(typeof body.reference === "string" && { reference: body.reference }),
  };
}
