import { PROBLEMS, type ProblemCode } from "./catalogue.ts";

export { isProblemCode, PROBLEM_CODES, PROBLEMS, type ProblemCode } from "./catalogue.ts";

/** One thing that is wrong with the request. `path` is a JSON Pointer: `/amount`, `/limit`, `/id`, `/If-Match`. */
export interface RequestError {
  readonly in: "body" | "query" | "path" | "header";
  readonly path: string;
  readonly message: string;
}

/** What an occurrence adds to its kind. */
export interface ProblemOptions {
  /** Replaces the kind's sentence. For a person; never SQL, parameters, stack traces or secrets. */
  readonly detail?: string;
  readonly errors?: readonly RequestError[];
  /** Extension members, such as `transaction_id`, in this order behind the standard ones. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal that is thrown at the edge (parameters, headers) and becomes a problem body in the conventions plugin. */
export class Problem extends Error {
  // Elysia reads `code`, `status` and `toResponse` off whatever is thrown, so none of the fields may have such a name.
  readonly problem: ProblemCode;
  readonly options: ProblemOptions;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? PROBLEMS[code].detail);
    this.name = "Problem";
    this.problem = code;
    this.options = options;
  }
}

/** A 400 `invalid_request` about one parameter, header or field. */
export function invalid(where: RequestError["in"], path: string, message: string): Problem {
  return new Problem("invalid_request", { errors: [{ in: where, path, message }] });
}

/**
 * The JSON text of a problem up to its `code`, without `instance`, `request_id`, extension members and the closing brace. SQL
 * functions append those, so that a stored refusal and one made here have the same bytes in the same order.
 */
export function problemHead(code: ProblemCode, detail: string = PROBLEMS[code].detail): string {
  const { status, title } = PROBLEMS[code];
  return JSON.stringify({ type: `/problems/${code}`, title, status, detail, code }).slice(0, -1);
}

/** The whole answer (RFC 9457): `type, title, status, detail, code, instance, request_id`, then `errors`, then extensions. */
export function problemResponse(
  code: ProblemCode,
  options: ProblemOptions & { readonly instance: string; readonly requestId: string },
): Response {
  const { instance, requestId, detail, errors, extra, headers } = options;
  const { status, retryAfterS } = PROBLEMS[code];
  const tail = JSON.stringify({ instance, request_id: requestId, ...(errors && { errors }), ...extra });
  return new Response(`${problemHead(code, detail)},${tail.slice(1)}`, {
    status,
    headers: {
      "content-type": PROBLEM_TYPE,
      ...(retryAfterS !== undefined && { "retry-after": String(retryAfterS) }),
      ...headers,
    },
  });
}

/** Media type of every error (RFC 9457 §3). */
export const PROBLEM_TYPE = "application/problem+json";
