import { etag } from "../shared/http/etag.ts";
import { isProblemCode, PROBLEM_TYPE, problemResponse } from "../shared/http/problems.ts";
import { pathOf, requestId } from "../shared/http/request.ts";
import type { Answered, Outcome } from "./operation.ts";

/** From the outcome of an operation to the HTTP answer. */

/** Headers of a success; `body` is the parsed answer. */
export type SuccessHeaders = (body: { readonly id: string; readonly version?: number }) => Record<string, string>;

const JSON_TYPE = "application/json";

export const walletHeaders: SuccessHeaders = ({ version }) => ({ etag: etag(version ?? 0) });
export const openedHeaders: SuccessHeaders = ({ id, version }) => ({
  etag: etag(version ?? 0),
  location: `/wallets/${id}`,
});
export const transactionHeaders: SuccessHeaders = ({ id }) => ({ location: `/transactions/${id}` });

export function answer(request: Request, outcome: Outcome, success: SuccessHeaders): Response {
  if (outcome.failure !== undefined) return refusal(request, outcome.failure);
  const { status, code, response } = outcome;
  if (response === null) return refusal(request, code);
  return new Response(response, {
    status,
    headers: { ...headersOf(outcome, response, success), ...replayed(outcome) },
  });
}

function headersOf(outcome: Answered, response: string, success: SuccessHeaders): Record<string, string> {
  if (outcome.status >= 300) return { "content-type": PROBLEM_TYPE };
  return { "content-type": JSON_TYPE, ...success(JSON.parse(response)) };
}

function replayed(outcome: Answered): Record<string, string> {
  return outcome.replayed ? { "idempotency-replayed": "true" } : {};
}

function refusal(request: Request, code: string | null): Response {
  const known = code !== null && isProblemCode(code) ? code : "internal_error";
  return problemResponse(known, { instance: pathOf(request), requestId: requestId(request) });
}

/** A row as JSON text. */
export function json(body: unknown, headers: Record<string, string> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": JSON_TYPE, ...headers } });
}
