import { NotFoundError, ValidationError } from "elysia";
import type { Logger } from "pino";
import { Problem, problemResponse, type RequestError } from "./problems.ts";
import { pathOf, requestId } from "./request.ts";
import type { Endpoint, Route } from "./routes.ts";

/** The most entries of `errors`: a person mends a handful at a time, and the answer stays small. */
const ERRORS_MAX = 20;

/** Where Elysia found a value invalid, in the words of the problem. */
const PLACES: Readonly<Record<string, RequestError["in"]>> = {
  body: "body",
  query: "query",
  params: "path",
  headers: "header",
};

/** The answer to a request whose handling threw. What is no refusal is a defect: logged, and told to nobody else. */
export function answerError(error: unknown, request: Request, log: Logger): Response {
  const context = { instance: pathOf(request), requestId: requestId(request) };
  const refusal = refusalOf(error);
  if (refusal) return problemResponse(refusal.problem, { ...context, ...refusal.options });
  log.error(
    { err: error, request_id: context.requestId, method: request.method, path: context.instance },
    "request failed",
  );
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
  let amounts = 0;
  for (const found of findingsOf(error)) {
    if (errors.size === ERRORS_MAX) break;
    // A missing field is reported twice, first as missing, then as of the wrong type.
    if (errors.has(found.path)) continue;
    errors.set(found.path, { in: place, path: found.path, message: messageOf(found) });
    if (isNoAmount(place, found)) amounts += 1;
  }
  const code = amounts > 0 && amounts === errors.size ? "invalid_amount" : "invalid_request";
  return new Problem(code, { errors: [...errors.values()] });
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

/** Refuses a path that is no percent-encoded UTF-8. @throws Problem 400 */
export function checkPath(path: string, endpoint: Endpoint): void {
  if (!path.includes("%") || decodes(path)) return;
  const names = endpoint.path.split("/");
  const bad = path.split("/").findIndex((segment) => !decodes(segment));
  throw invalidParameter("path", names[bad]?.replace(/^:/, "") ?? "", "must be percent-encoded UTF-8");
}

/** Refuses unknown and repeated query parameters, of which Elysia would silently take the last. @throws Problem 400 */
export function checkQuery(query: string, route: Route): void {
  const seen = new Set<string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    if (!decodes(pair)) throw invalidParameter("query", pair.split("=")[0] ?? "", "must be percent-encoded UTF-8");
    const name = decodeURIComponent((pair.split("=")[0] ?? "").replaceAll("+", " "));
    if (!route.queryNames.has(name)) throw invalidParameter("query", name, "is not a known parameter");
    if (seen.has(name)) throw invalidParameter("query", name, "must not be repeated");
    seen.add(name);
  }
}

/** The name becomes a JSON Pointer (RFC 6901). */
function invalidParameter(place: RequestError["in"], name: string, message: string): Problem {
  const path = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return new Problem("invalid_request", { errors: [{ in: place, path, message }] });
}

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
