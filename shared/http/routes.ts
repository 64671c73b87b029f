import { KindGuard, type TSchema } from "@sinclair/typebox";
import type { AnyElysia } from "elysia";
import { isRole } from "./api-keys.ts";
import { ACCESS, type Access, DESCRIPTION } from "./describe.ts";

/**
 * The routes of an app, by path. Elysia's router answers one method at a time; 405 with `Allow`, OPTIONS, HEAD, the metrics' route
 * label and the known query parameters need the whole of what a path offers, before any handler runs.
 */

/** One method of one path. */
export interface Route {
  readonly method: string;
  /** As declared: `/wallets/:id`. */
  readonly path: string;
  readonly readsBody: boolean;
  readonly queryNames: ReadonlySet<string>;
  readonly access: Access;
}

/** All that one path offers. */
export interface Endpoint {
  readonly path: string;
  readonly routes: ReadonlyMap<string, Route>;
  /** The value of `Allow`. */
  readonly allow: string;
}

interface Node {
  readonly named: Map<string, Node>;
  parameter?: Node;
  endpoint?: Endpoint;
}

/** The routes of an app, ready to be looked up. */
export interface RouteTable {
  /** How many routes it was made of. */
  readonly size: number;
  /** `POST /wallets/:id/fund` of the routes that take a body. */
  readonly bodyRoutes: ReadonlySet<string>;
  /** What a request's path offers; one slash at its end makes no difference. */
  readonly find: (path: string) => Endpoint | undefined;
}

/** @throws Error for a route that breaks the house rules: a defect, found at start */
export function createRouteTable(routes: AnyElysia["routes"]): RouteTable {
  const root: Node = { named: new Map() };
  for (const [path, members] of Map.groupBy(routes, (route) => withoutTrailingSlash(route.path))) {
    const offered = new Map(members.map((member) => [member.method, describeRoute(member)]));
    const methods = new Set([...offered.keys(), "OPTIONS", ...(offered.has("GET") ? ["HEAD"] : [])]);
    nodeAt(root, path).endpoint = { path, routes: offered, allow: [...methods].toSorted().join(", ") };
  }
  const withBody = routes.filter((route) => route.hooks.body).map((route) => `${route.method} ${route.path}`);
  return {
    size: routes.length,
    bodyRoutes: new Set(withBody),
    find: (path) => find(root, withoutTrailingSlash(path), path === "/" ? 2 : 1),
  };
}

/** The same path without one slash at its end: both forms are the same resource. */
export function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function nodeAt(root: Node, path: string): Node {
  let node = root;
  for (const segment of path.split("/").slice(path === "/" ? 2 : 1)) {
    const next: Node = (segment.startsWith(":") ? node.parameter : node.named.get(segment)) ?? { named: new Map() };
    if (segment.startsWith(":")) node.parameter = next;
    else node.named.set(segment, next);
    node = next;
  }
  return node;
}

/** `from` is where the next segment starts; a named segment wins over a parameter, as in Elysia's router. */
function find(node: Node, path: string, from: number): Endpoint | undefined {
  if (from > path.length) return node.endpoint;
  const slash = path.indexOf("/", from);
  const end = slash === -1 ? path.length : slash;
  const named = node.named.get(path.slice(from, end));
  const found = named && find(named, path, end + 1);
  if (found || end === from || !node.parameter) return found;
  return find(node.parameter, path, end + 1);
}

function describeRoute({ method, path, hooks }: AnyElysia["routes"][number]): Route {
  const body = schemaOf(hooks.body);
  const query = schemaOf(hooks.query);
  const where = `${method} ${path}`;
  if (/[*?]/.test(path)) throw new Error(`${where}: wildcards and optional parameters are not supported`);
  if (path.includes(":") && !hooks.params) throw new Error(`${where}: path parameters need a params schema`);
  // Elysia fills defaults in with Object.assign, through which a body's "__proto__" would become the prototype.
  if (body && hasDefault(body)) throw new Error(`${where}: a body schema must not have defaults`);
  if (body && body.additionalProperties !== false)
    throw new Error(`${where}: a body schema must refuse unknown fields`);
  if (hooks.response) throw new Error(`${where}: answers are documented with describe(), not checked at run time`);
  const queryNames = new Set(Object.keys(query?.properties ?? {}));
  return { method, path, readsBody: body !== undefined, queryNames, access: accessOf(method, hooks.detail) };
}

/** What is declared; else reading is for readers, and all else for writers: a route is never open because nobody thought of it. */
function accessOf(method: string, detail: Readonly<Record<string, unknown>> = {}): Access {
  const { [ACCESS]: hidden, [DESCRIPTION]: about } = detail;
  if (hidden === "open" || hidden === "probe") return hidden;
  const role = typeof about === "object" && about !== null && "role" in about ? about.role : undefined;
  if (typeof role === "string" && isRole(role)) return role;
  return method === "GET" ? "read" : "write";
}

function schemaOf(schema: unknown): TSchema | undefined {
  if (schema === undefined) return undefined;
  if (!KindGuard.IsSchema(schema)) throw new Error("schemas by name and other than TypeBox's are not supported");
  return schema;
}

function hasDefault(schema: TSchema): boolean {
  const parts: TSchema[] = [...Object.values<TSchema>(schema.properties ?? {}), ...(schema.anyOf ?? [])];
  return schema.default !== undefined || parts.some(hasDefault);
}
