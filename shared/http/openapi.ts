import { swagger } from "@elysiajs/swagger";
import { type AnyElysia, Elysia } from "elysia";
import type { Role } from "./api-keys.ts";
import { DESCRIPTION, type RouteDescription } from "./describe.ts";
import type { Guard } from "./guard.ts";
import { components, headerParameter, KEY_SCHEME, problemAnswer, responseHeaders } from "./openapi-parts.ts";
import { PROBLEMS, type ProblemCode } from "./problems.ts";

/** What the description says of the service as a whole. */
export interface ApiOptions {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** What the running server asks of its callers. */
  readonly guard?: Pick<Guard, "asksForKeys" | "limitsRate"> | undefined;
}

/** A JSON Schema as it comes out of TypeBox by way of JSON. */
type Schema = Record<string, unknown>;

interface Parameter extends Record<string, unknown> {
  name: string;
  in: string;
  schema: Schema;
  description?: string;
}

/** One operation as @elysiajs/swagger writes it. */
interface Generated {
  summary?: string;
  description?: string;
  operationId: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: { "application/json": { schema: Schema } } };
  [DESCRIPTION]?: RouteDescription;
}

/**
 * The OpenAPI 3.1 document of the app's routes. @elysiajs/swagger finds the operations, parameters and bodies; it knows neither
 * 3.1, nor problem+json, nor headers, so those are worked in afterwards. Hidden routes are left out.
 */
export async function openApi(routes: AnyElysia["routes"], options: ApiOptions): Promise<object> {
  const paths = await generatePaths(routes);
  const schemas: Record<string, unknown> = {};
  const finished = Object.entries(paths).map(([path, operations]) => [
    path,
    Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => {
        const guarding = guardingOf(options, method, operation);
        return [method, finish(operation, schemas, guarding)];
      }),
    ),
  ]);
  const { title, version, description, tags, guard } = options;
  return {
    openapi: "3.1.0",
    info: { title, version, description },
    // Relative to this document, /swagger/json: the API is found behind a proxy that adds a prefix, too.
    servers: [{ url: ".." }],
    tags,
    paths: Object.fromEntries(finished),
    components: components(schemas, guard?.asksForKeys === true),
  };
}

async function generatePaths(routes: AnyElysia["routes"]): Promise<Record<string, Record<string, Generated>>> {
  // The plugin brings a page of its own that loads scripts from the network, so it runs in an app that nobody can reach.
  const unreachable = new Elysia().use(swagger({ path: "/swagger", excludeStaticFile: false }));
  for (const { method, path, hooks } of routes) {
    const { body, params, query, detail } = hooks;
    if (detail?.hide !== true)
      unreachable.route(method, path, () => "", { body, params, query, detail, parse: "json" });
  }
  const answer = await unreachable.handle(new Request("http://localhost/swagger/json"));
  const { paths }: { paths: Record<string, Record<string, Generated>> } = JSON.parse(await answer.text());
  return paths;
}

/** What the guard adds to an operation: errors, and the role that it needs (OpenAPI 3.1 lets a scheme's list name roles). */
interface Guarding {
  readonly errors: readonly ProblemCode[];
  readonly security?: readonly Readonly<Record<string, readonly Role[]>>[];
}

function guardingOf({ guard }: ApiOptions, method: string, { requestBody, ...operation }: Generated): Guarding {
  const limited = guard?.limitsRate === true ? (["rate_limited"] as const) : [];
  // Where there are no keys it is pages of other origins that are forbidden to send what no preflight stops.
  const forbidden = method === "post" && requestBody === undefined ? (["forbidden"] as const) : [];
  if (guard?.asksForKeys !== true) return { errors: [...forbidden, ...limited] };
  const role = operation[DESCRIPTION]?.role ?? (method === "get" ? "read" : "write");
  return { errors: ["unauthenticated", "forbidden", ...limited], security: [{ [KEY_SCHEME]: [role] }] };
}

function finish(generated: Generated, schemas: Record<string, unknown>, guarding: Guarding): object {
  const { [DESCRIPTION]: about, parameters = [], requestBody, ...rest } = generated;
  const body = requestBody?.content["application/json"].schema;
  const headers = (about?.requestHeaders ?? []).map(headerParameter);
  const allParameters = [...parameters.map((parameter) => finishParameter(parameter, schemas)), ...headers];
  const content = body && {
    schema: tidy(body, schemas),
    ...(about?.bodyExample !== undefined && { example: about.bodyExample }),
  };
  return {
    ...rest,
    ...(guarding.security && { security: guarding.security }),
    ...(allParameters.length > 0 && { parameters: allParameters }),
    ...(content && { requestBody: { required: true, content: { "application/json": content } } }),
    responses: { ...successes(about, schemas), ...failures(about, parameters, body, guarding) },
  };
}

function finishParameter({ schema, description, ...rest }: Parameter, schemas: Record<string, unknown>): object {
  // TypeBox's `examples` is a list, which is right in a schema and wrong in a parameter. Swagger UI fills in a parameter's
  // own `example` only: what has to be given has one, so that it can be tried at once; what may be left out is left out.
  const { examples, ...bare } = rest;
  return {
    ...bare,
    ...(description !== undefined && { description }),
    ...(bare.required === true && Array.isArray(examples) && { example: examples[0] }),
    schema: tidy({ ...schema, ...(Array.isArray(examples) && { examples }) }, schemas),
  };
}

function successes(about: RouteDescription | undefined, schemas: Record<string, unknown>): Record<string, object> {
  const { status = 200, answer, mediaType = "application/json", example, responseHeaders: headers = [] } = about ?? {};
  const content = answer && {
    [mediaType]: { schema: tidy(answer, schemas), ...(example !== undefined && { example }) },
  };
  const success = { description: "Done.", headers: responseHeaders(headers), ...(content && { content }) };
  const conditional = about?.requestHeaders?.includes("If-None-Match");
  return {
    [status]: success,
    ...(conditional && { 304: { description: "Not modified.", headers: responseHeaders(["ETag"]) } }),
  };
}

/** What may be wrong with any body. */
const OF_BODIES = ["invalid_json", "request_timeout", "body_too_large", "unsupported_media_type"] as const;

function failures(
  about: RouteDescription | undefined,
  parameters: readonly Parameter[],
  body: Schema | undefined,
  guarding: Guarding,
): Record<string, object> {
  const codes = new Set<ProblemCode>([
    "invalid_request",
    ...guarding.errors,
    ...(about?.errors ?? []),
    "internal_error",
  ]);
  if (parameters.some(({ name }) => name === "cursor")) codes.add("invalid_cursor");
  if (body) for (const code of OF_BODIES) codes.add(code);
  if (body && JSON.stringify(Object.keys(body.properties ?? {})).includes('"amount"')) codes.add("invalid_amount");
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries([...byStatus].map(([status, members]) => [status, problemAnswer(members)]));
}

/**
 * A schema as it is shown: what is documented instead of what is checked, without our notes, and a schema with a title moved to the
 * components, so that clients get one type for it.
 */
function tidy(schema: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((part) => tidy(part, schemas));
  if (!isObject(schema)) return schema;
  const { "x-documented": documented, "x-rule": _rule, description, examples, ...checked } = schema;
  const shown = isObject(documented) ? documented : checked;
  const notes = { ...(description !== undefined && { description }), ...(examples !== undefined && { examples }) };
  const whole = Object.fromEntries(
    Object.entries({ ...shown, ...notes }).map(([key, part]) => [key, isLiteral(key) ? part : tidy(part, schemas)]),
  );
  const { title } = whole;
  if (typeof title !== "string") return whole;
  schemas[title] = whole;
  return { $ref: `#/components/schemas/${title}` };
}

/** Keywords whose values are data and not schemas. */
function isLiteral(keyword: string): boolean {
  return ["enum", "const", "default", "examples", "required"].includes(keyword);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
