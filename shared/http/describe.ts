import type { TSchema } from "elysia";
import type { Role } from "./api-keys.ts";
import type { ProblemCode } from "./problems.ts";

/** Request headers that routes read; docs.ts knows what to say of each. */
export type RequestHeader = "Idempotency-Key" | "If-Match" | "If-None-Match" | "Prefer" | "Last-Event-ID";

/** Response headers that routes add to those of every response. */
export type ResponseHeader = "ETag" | "Location" | "Idempotency-Replayed" | "Preference-Applied";

/** What the API description says of a route beyond its `params`, `query` and `body` schemas. */
export interface RouteDescription {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** Unique, camelCase: the name of the call in generated clients. */
  readonly operationId: string;
  /** Status of success; 200 if left out. */
  readonly status?: number;
  /** The body of success. A schema with a `title` becomes a component of that name. Never checked at run time. */
  readonly answer?: TSchema;
  /** Media type of success; `application/json` if left out. */
  readonly mediaType?: string;
  readonly example?: unknown;
  readonly bodyExample?: unknown;
  readonly requestHeaders?: readonly RequestHeader[];
  readonly responseHeaders?: readonly ResponseHeader[];
  /** Codes that the schemas do not give away: those about wallets, money and idempotency. */
  readonly errors?: readonly ProblemCode[];
  /** Who may call it where API keys are on; `read` for GET and `write` for the others if left out. */
  readonly role?: Role;
}

/** Key under which a route's `detail` carries its {@link RouteDescription} to docs.ts, which takes it out again. */
export const DESCRIPTION = "x-description";

/** Route options that document a route: spread into the third argument of `.get`, `.post`, … */
export function describe(route: RouteDescription) {
  const { summary, description, operationId } = route;
  const detail = { summary, operationId, tags: [...route.tags], ...(description !== undefined && { description }) };
  return { detail: { ...detail, [DESCRIPTION]: route } };
}

/** Who may use a route where API keys are on: whoever has the role; anyone; or anyone, as often as they like. */
export type Access = Role | "open" | "probe";

/** Key under which the `detail` of a route that is not part of the API carries its {@link Access}. */
export const ACCESS = "x-access";

/** Route options of a route that is not part of the API. */
export const HIDDEN = { detail: { hide: true } };

/** The same of one that shows nothing but what everybody may know: pages and the API description. */
export const OPEN = { detail: { hide: true, [ACCESS]: "open" } };

/** The same of one that is asked every few seconds, whether the server is well. */
export const PROBE = { detail: { hide: true, [ACCESS]: "probe" } };
