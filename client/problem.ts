import type { ProblemCode, ProblemStatus } from "../shared/http/catalogue.ts";
import type { RequestError } from "../shared/http/problems.ts";

export type { ProblemCode, ProblemStatus };

/** A refusal (RFC 9457). Branch on `code`, whose meaning never changes; `detail` is for a person. */
export interface Problem<Code extends ProblemCode = ProblemCode, Status extends ProblemStatus = ProblemStatus> {
  readonly type: string;
  readonly title: string;
  readonly status: Status;
  readonly detail: string;
  readonly code: Code;
  /** The path of the request. */
  readonly instance: string;
  /** Names the request in the server's log. */
  readonly request_id: string;
  /** Of `invalid_request`: which parts of it. */
  readonly errors?: readonly RequestError[];
  /** Of `insufficient_funds`: the failed line, or the saga. */
  readonly transaction_id?: string;
}

/** Media type of every refusal. */
export const PROBLEM_TYPE = "application/problem+json";

/** A refusal, thrown by {@link orThrow}. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: ProblemCode;
  readonly status: ProblemStatus;

  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.code = problem.code;
    this.status = problem.status;
  }
}

/**
 * No answer came, however often it was tried; `cause` says what happened to the last try. A POST may or may not have been carried
 * out: the same request with `idempotencyKey`, at any time within 25 hours, finds out, and never does it twice.
 */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(
    readonly request: { readonly method: string; readonly url: string },
    readonly tries: number,
    readonly idempotencyKey: string | undefined,
    cause: unknown,
  ) {
    const times = tries === 1 ? "a try" : `${tries} tries`;
    super(`no answer to ${request.method} ${request.url} after ${times}: ${String(cause)}`, { cause });
  }
}

/** Something else than the API has answered: a proxy's page, or another server at this address. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";

  constructor(
    readonly request: { readonly method: string; readonly url: string },
    readonly status: number,
    readonly mediaType: string | null,
  ) {
    super(
      `${request.method} ${request.url} was answered ${status} with ${mediaType ?? "no media type"}, not by the API`,
    );
  }
}

/** What a call gives: the data, or why there are none. */
export type Answer<Data> =
  | { readonly data: Data; readonly error: null }
  | { readonly data: null; readonly error: { readonly status: number; readonly value: Problem | "" } };

/**
 * The data of an answer, for callers who would rather catch than branch: `const wallet = await orThrow(client.wallets.post(…))`.
 *
 * @throws Refused with the problem document
 * @throws NoAnswer, UnexpectedAnswer as every call does
 */
export async function orThrow<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error } = await answer;
  if (error === null) return data;
  if (error.value === "") throw new Error(`answered ${error.status} without a body: look at \`error.status\` instead`);
  throw new Refused(error.value);
}
