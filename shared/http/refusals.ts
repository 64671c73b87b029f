import { NotFoundError, ValidationError } from "elysia";
import type { Logger } from "pino";
import { invalid, Problem, problemResponse, type RequestError } from "./problems.ts";
import { pathOf, requestId } from "./request.ts";
import type { Route } from "./routes.ts";

/** The most entries of `errors`: a person mends a handful at a time, and the answer stays small. */
const ERRORS_MAX = 20;

/** Where Elysia found a value invalid, in the words of the problem. */
const PLACES: Readonly<Record<string, RequestError["in"]>> = {
  body: "body",
  query: "query",
  params: "path",
  headers: "header",
};

/**
 * The answer to a request whose handling threw. What is no refusal is a defect: logged, and told to nobody else.
 *
 * @param route as declared: the path itself may name a user
 */
export function answerError(error: unknown, request: Request, log: Logger, route: string | undefined): Response {
  const context = { instance: pathOf(request), requestId: requestId(request) };
  const refusal = refusalOf(error);
  if (refusal) return problemResponse(refusal.problem, { ...context, ...refusal.options });
  log.error({ err: error, request_id: context.requestId, method: request.method, route }, "request failed");
  return problemResponse("internal_error", context);
}

/** What is thrown as the refusal that it stands for; undefined for a defect. */
function refusalOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof ValidationError) return refusalOfInvalid(error);
  if (error instanceof NotFoundError) return new Problem("not_found");
  // Elysia wraps what a body parser throws.
  return error instanceof Error && error.cause instanceof Problem ? error.cause : undefined;
}

/** One error of TypeBox, as far as it is needed here. */
interface Finding {
  readonly path: string;
  readonly message: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

function refusalOfInvalid(error: ValidationError): Problem | undefined {
  const place = PLACES[error.type];
  if (place === undefined) return undefined;
  const errors = new Map<string, RequestError>();
  let isAboutAmount = true;
  for (const found of findingsOf(error)) {
    if (errors.size === ERRORS_MAX) break;
    // By path, since a missing field is found twice: as missing, and as of the wrong type.
    errors.set(found.path, { in: place, path: found.path, message: messageOf(found) });
    isAboutAmount &&= isNoAmount(place, found);
  }
  return new Problem(isAboutAmount && errors.size > 0 ? "invalid_amount" : "invalid_request", {
    errors: [...errors.values()],
  });
}

function findingsOf({ validator, value }: ValidationError): Iterable<Finding> {
  return "Errors" in validator ? validator.Errors(value) : [];
}

/** A string or number that is no amount is `invalid_amount`; null, booleans, objects or a missing one are a malformed request. */
function isNoAmount(place: RequestError["in"], { path, value }: Finding): boolean {
  return place === "body" && path === "/amount" && (typeof value === "string" || typeof value === "number");
}

function messageOf({ message, schema, value }: Finding): string {
  if (message === "Unexpected property") return "is not a known field";
  if (value === undefined) return "is required";
  return typeof schema["x-rule"] === "string" ? schema["x-rule"] : lowerFirst(message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Refuses unknown query parameters, and repeated ones, of which Elysia would take the last. @throws Problem 400 */
export function checkQuery(query: string, route: Route): void {
  if (query === "") return;
  const seen = new Set<string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [raw = ""] = pair.split("=", 1);
    if (!decodes(pair)) throw invalidParameter(raw, "must be percent-encoded UTF-8");
    const name = decodeURIComponent(raw.replaceAll("+", " "));
    if (!route.queryNames.has(name)) throw invalidParameter(name, "is not a known parameter");
    if (seen.has(name)) throw invalidParameter(name, "must not be repeated");
    seen.add(name);
  }
}

function invalidParameter(name: string, message: string): Problem {
  // As a JSON Pointer (RFC 6901).
  return invalid("query", `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, message);
}

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
