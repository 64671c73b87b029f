/**
 * Every way in which a request can fail: the one table behind the problem bodies, their pages and the API description.
 * A code never changes its meaning once published; clients branch on it.
 */

/** What is known of a problem before it happens. */
export interface ProblemKind {
  readonly status: number;
  /** Short, the same for every occurrence (RFC 9457 §3.1.3). */
  readonly title: string;
  /** The sentence that a client shows or logs where the occurrence has nothing better to say. */
  readonly detail: string;
  /** What the code says, for the page behind `type`. */
  readonly meaning: string;
  /** Why it usually happens. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Seconds for `Retry-After`, where trying again helps. */
  readonly retryAfterS?: number;
}

const CATALOGUE = {
  invalid_request: {
    status: 400,
    title: "Invalid request",
    detail: "The request is not valid; errors says which parts.",
    meaning: "A part of the request (body, query, path or header) breaks the rules of the route.",
    cause: "A missing, unknown or malformed field, parameter or header.",
    remedy: "Read errors: each entry names the part and what it must be. Correct the request and send it again.",
  },
  invalid_json: {
    status: 400,
    title: "Invalid JSON",
    detail: "The body is not a JSON text in UTF-8.",
    meaning: "The body could not be read as JSON.",
    cause:
      "An empty or cut off body, a syntax error, bytes that are not UTF-8, or nesting far deeper than any route needs.",
    remedy: "Send one JSON object, encoded in UTF-8.",
  },
  invalid_amount: {
    status: 400,
    title: "Invalid amount",
    detail: "An amount is a decimal string greater than zero, with at most 15 digits before and 4 after the point.",
    meaning: "The amount is not one that the wallet accepts. Nothing is ever rounded.",
    cause: "A JSON number, a sign, an exponent, blanks, zero, or more than four decimals.",
    remedy: 'Send a string such as "10.50".',
  },
  invalid_cursor: {
    status: 400,
    title: "Invalid cursor",
    detail: "The cursor was not issued for this list with these filters.",
    meaning: "The cursor cannot be used here.",
    cause: "A cursor that was altered, or that belongs to another list or to other filters.",
    remedy: "Use next_cursor as it came, with the same path and filters, or start again without a cursor.",
  },
  unauthenticated: {
    status: 401,
    title: "Unauthenticated",
    detail: "The request carries no valid credentials.",
    meaning: "The server does not know who is asking.",
    cause: "A missing, unknown or expired API key.",
    remedy: "Send a valid key in the way that WWW-Authenticate names.",
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    detail: "The credentials do not permit this.",
    meaning: "The caller is known, but may not do this.",
    cause: "The API key lacks the permission that the route needs.",
    remedy: "Use a key with that permission.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    detail: "There is nothing at this path.",
    meaning: "No route, or no such resource.",
    cause: "A misspelt path, or an id that does not exist.",
    remedy: "Compare the path with the API description at /swagger.",
  },
  wallet_not_found: {
    status: 404,
    title: "Wallet not found",
    detail: "There is no wallet with this id.",
    meaning: "The wallet does not exist, or (asked of the history) none of its events has arrived yet.",
    cause: "A wrong id.",
    remedy: "Check the id; wallets of a user are listed at /users/{user_id}/wallets.",
  },
  transaction_not_found: {
    status: 404,
    title: "Transaction not found",
    detail: "There is no transaction with this id.",
    meaning: "No transaction, transfer or saga has this id.",
    cause: "A wrong id, or (asked of the ledger) a movement that has not been posted.",
    remedy: "Check the id.",
  },
  account_not_found: {
    status: 404,
    title: "Account not found",
    detail: "There is no ledger account with this id.",
    meaning: "The ledger has no such account.",
    cause: "A wrong id, or a wallet whose first event has not arrived yet.",
    remedy: "Check the id: a wallet's account has the wallet's id.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    detail: "The path exists, but not with this method.",
    meaning: "The route does not answer this HTTP method.",
    cause: "For example a GET where the route is a POST.",
    remedy: "Use one of the methods that Allow lists.",
  },
  request_timeout: {
    status: 408,
    title: "Request timeout",
    detail: "The body did not arrive within 10 seconds; nothing happened.",
    meaning: "The server has stopped waiting for the rest of the request and closes the connection.",
    cause: "A network that is very slow or was lost, or a client that stalls while it sends.",
    remedy: "Send the whole request at once; a change of money with the same Idempotency-Key.",
  },
  idempotency_in_progress: {
    status: 409,
    title: "Still in progress",
    detail: "The first request with this Idempotency-Key has not finished.",
    meaning: "The same operation is being carried out right now.",
    cause: "A repeat that arrived while the first attempt still runs.",
    remedy: "Send the same request again after a moment: it answers what the first one came to.",
    retryAfterS: 1,
  },
  version_mismatch: {
    status: 412,
    title: "Version mismatch",
    detail: "The wallet has changed since the version in If-Match.",
    meaning: "The condition in If-Match does not hold; nothing happened.",
    cause: "Another operation moved the wallet to a newer version.",
    remedy: "Read the wallet again, decide again, and send the new ETag.",
  },
  body_too_large: {
    status: 413,
    title: "Body too large",
    detail: "The body is larger than 65536 bytes.",
    meaning: "The server does not read bodies of this size.",
    cause: "No route needs more than a few hundred bytes.",
    remedy: "Send a smaller body.",
  },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    detail: "The body must be application/json, without a content coding.",
    meaning: "The route reads JSON only.",
    cause: "A missing or other Content-Type, or a compressed body.",
    remedy: "Send Content-Type: application/json and the JSON text as it is.",
  },
  insufficient_funds: {
    status: 422,
    title: "Insufficient funds",
    detail: "The available balance does not cover the amount.",
    meaning: "The wallet has less available (balance minus held) than the amount. Nothing moved.",
    cause: "A payment larger than the available balance.",
    remedy: "Fund the wallet or send less, with a new Idempotency-Key. transaction_id names the failed line.",
  },
  same_wallet: {
    status: 422,
    title: "Same wallet",
    detail: "Sender and receiver are the same wallet.",
    meaning: "A wallet cannot pay itself.",
    cause: "Both ids are equal.",
    remedy: "Name another receiver.",
  },
  currency_mismatch: {
    status: 422,
    title: "Currency mismatch",
    detail: "The two wallets have different currencies.",
    meaning: "Money is never converted.",
    cause: "A transfer between wallets of different currencies.",
    remedy: "Choose a receiving wallet of the same currency.",
  },
  balance_limit_exceeded: {
    status: 422,
    title: "Balance limit exceeded",
    detail: "The wallet would hold more than 99999999999999.9999.",
    meaning: "The receiving wallet has no room for the amount.",
    cause: "The balance, with what is on its way, would pass the limit.",
    remedy: "Send less, or empty the wallet first.",
  },
  wallet_frozen: {
    status: 422,
    title: "Wallet frozen",
    detail: "A wallet of this operation is frozen.",
    meaning: "A frozen wallet neither pays nor receives.",
    cause: "The wallet was frozen by an operator.",
    remedy: "Unfreeze it, or use another wallet.",
  },
  not_replayable: {
    status: 422,
    title: "Not replayable",
    detail: "The message still cannot be applied.",
    meaning: "The dead letter was tried once more, was refused again, and stays as it is.",
    cause: "The message itself is at fault, or what it contradicts is still there.",
    remedy: "The detail says why. Replay it when that has changed.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "Idempotency key reused",
    detail: "This Idempotency-Key belongs to another request.",
    meaning: "A key names one attempt, with one method, path and body.",
    cause: "The same key was sent with a different request.",
    remedy: "Use a new key for a new operation.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    detail: "The caller sends more requests than its limit allows.",
    meaning: "The request was refused before anything happened.",
    cause: "More requests in a short time than the configured limit.",
    remedy: "Wait as long as Retry-After says.",
    retryAfterS: 1,
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    detail: "The server made a mistake.",
    meaning: "A defect, which the server has logged together with request_id.",
    cause: "Not the request.",
    remedy: "Repeat a change of money only with the same Idempotency-Key. Report the request_id.",
  },
  unavailable: {
    status: 503,
    title: "Unavailable",
    detail: "The server cannot reach its database; nothing happened.",
    meaning: "The request was not carried out.",
    cause: "The database is restarting or unreachable.",
    remedy: "Send it again as Retry-After says, with the same Idempotency-Key.",
    retryAfterS: 1,
  },
  overloaded: {
    status: 503,
    title: "Overloaded",
    detail: "The server has more work than it can do in time; nothing happened.",
    meaning: "The request waited too long, or the queue is full. It was not carried out.",
    cause: "More requests than the server can do.",
    remedy: "Send it again as Retry-After says, with the same Idempotency-Key, backing off.",
    retryAfterS: 1,
  },
  history_behind: {
    status: 503,
    title: "History behind",
    detail: "The history has not reached the version that was asked for.",
    meaning: "The events up to that version have not arrived yet.",
    cause: "Events travel for a moment; or the version does not exist.",
    remedy: "Ask again as Retry-After says.",
    retryAfterS: 1,
  },
  outcome_unknown: {
    status: 503,
    title: "Outcome unknown",
    detail: "The answer to the commit was lost: the operation may or may not have happened.",
    meaning:
      "The database connection was lost at the moment of the commit, and asking again did not resolve it in time.",
    cause: "A failing database or network.",
    remedy: "Send the same request with the same Idempotency-Key: it answers what became of the first.",
    retryAfterS: 1,
  },
} as const satisfies Record<string, ProblemKind>;

/** The stable `code` of a problem. */
export type ProblemCode = keyof typeof CATALOGUE;

/** Every status that a problem has. */
export type ProblemStatus = (typeof CATALOGUE)[ProblemCode]["status"];

/** The codes of one status. */
export type ProblemCodeOf<Status extends ProblemStatus> = {
  [Code in ProblemCode]: (typeof CATALOGUE)[Code]["status"] extends Status ? Code : never;
}[ProblemCode];

/** What each code says, in order of status. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = CATALOGUE;

/** All codes, in order of status. */
export const PROBLEM_CODES: readonly ProblemCode[] = Object.keys(CATALOGUE).filter(isProblemCode);

/** Whether the text is one of the codes (a path's, say). */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(CATALOGUE, text);
}
