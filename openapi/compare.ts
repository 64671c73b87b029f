import { type Escape, entriesOf, escapesOf, isPart, lostMembers, type Part, partsOf, type Resolve } from "./schemas.ts";

/**
 * What has changed between two OpenAPI documents so that a client of the old one may fail against the new one. The rules are those of
 * oasdiff's "breaking changes" as far as our documents need them. What a request may hold must not become less; what an answer may hold
 * must not become more, but for members that are added, which clients have to ignore.
 */

/** One change, with its place: `GET /wallets/{id}: response 200: /balance is gone`. */
export type Change = string;

/**
 * Values that clients must expect more of: a new reason to be refused is no new kind of answer. docs/client.md tells them to take a code that
 * they do not know by its status.
 */
const OPEN_ENDED = /\/code$/;

export function breakingChanges(old: Part, now: Part): Change[] {
  const [resolveOld, resolveNow] = [resolverOf(old), resolverOf(now)];
  const paths = new Map(entriesOf(now.paths));
  return entriesOf(old.paths).flatMap(([path, operations]) => {
    const present = paths.get(path);
    if (present === undefined) return [`${path}: is gone`];
    return entriesOf(operations).flatMap(([method, operation]) => {
      const where = `${method.toUpperCase()} ${path}`;
      const successor = present[method];
      if (!isPart(successor)) return [`${where}: is gone`];
      const both = { old: operation, now: successor, resolveOld, resolveNow };
      return changesOfOperation(both).map((change) => `${where}: ${change}`);
    });
  });
}

interface Both {
  readonly old: Part;
  readonly now: Part;
  readonly resolveOld: Resolve;
  readonly resolveNow: Resolve;
}

function changesOfOperation(both: Both): Change[] {
  const { old, now } = both;
  return [
    ...(old.operationId === now.operationId ? [] : [`is called ${String(now.operationId)} in generated clients`]),
    ...changesOfSecurity(old, now),
    ...changesOfParameters(both),
    ...changesOfBody(both),
    ...changesOfResponses(both),
  ];
}

function changesOfSecurity(old: Part, now: Part): Change[] {
  const asked = JSON.stringify(now.security ?? []);
  return asked === "[]" || asked === JSON.stringify(old.security ?? []) ? [] : [`asks for other credentials: ${asked}`];
}

function changesOfParameters(both: Both): Change[] {
  const [before, after] = [parametersOf(both.old, both.resolveOld), parametersOf(both.now, both.resolveNow)];
  const added = [...after].flatMap(([name, parameter]) =>
    !before.has(name) && parameter.required === true ? [`parameter ${name}: is new and required`] : [],
  );
  const changed = [...before].flatMap(([name, parameter]) => {
    const present = after.get(name);
    // One that is not known is refused, so that a client that still sends it would fail.
    if (present === undefined) return [`parameter ${name}: is gone`];
    const required =
      present.required === true && parameter.required !== true ? [`parameter ${name}: is now required`] : [];
    return [...required, ...told(`parameter ${name}`, refusedNow(both, parameter.schema, present.schema))];
  });
  return [...added, ...changed];
}

function parametersOf({ parameters }: Part, resolve: Resolve): Map<string, Part> {
  return new Map(
    partsOf(parameters)
      .map(resolve)
      .map((parameter) => [`${String(parameter.name)} (${String(parameter.in)})`, parameter]),
  );
}

function changesOfBody(both: Both): Change[] {
  const [before, after] = [both.old.requestBody, both.now.requestBody];
  if (!isPart(after)) return isPart(before) ? ["body: is gone"] : [];
  if (!isPart(before)) return after.required === true ? ["body: is new and required"] : [];
  const required = after.required === true && before.required !== true ? ["body: is now required"] : [];
  const types = new Map(entriesOf(after.content));
  const changed = entriesOf(before.content).flatMap(([type, { schema }]) => {
    const present = types.get(type);
    return present === undefined ? [`body: ${type} is gone`] : told("body", refusedNow(both, schema, present.schema));
  });
  return [...required, ...changed];
}

function changesOfResponses(both: Both): Change[] {
  const responses = new Map(entriesOf(both.now.responses));
  return entriesOf(both.old.responses).flatMap(([status, response]) => {
    const present = responses.get(status);
    return present === undefined ? [`response ${status}: is gone`] : changesOfResponse(both, status, response, present);
  });
}

function changesOfResponse(both: Both, status: string, old: Part, now: Part): Change[] {
  const where = `response ${status}`;
  const headers = new Set(entriesOf(now.headers).map(([name]) => name));
  const lost = entriesOf(old.headers).filter(([name]) => !headers.has(name));
  const types = new Map(entriesOf(now.content));
  return [
    ...lost.map(([name]) => `${where}: header ${name} is gone`),
    ...entriesOf(old.content).flatMap(([type, { schema }]) => {
      const present = types.get(type);
      return present === undefined
        ? [`${where}: ${type} is gone`]
        : told(where, unheardOf(both, schema, present.schema));
    }),
  ];
}

/** What could be sent before and is refused now. */
function refusedNow({ resolveOld, resolveNow }: Both, old: unknown, now: unknown): Escape[] {
  if (!isPart(old) || !isPart(now)) return [];
  return escapesOf({ schema: old, resolve: resolveOld }, { schema: now, resolve: resolveNow });
}

/** What may be answered now and could not be before, and members that are not answered any more. */
function unheardOf({ resolveOld, resolveNow }: Both, old: unknown, now: unknown): Escape[] {
  if (!isPart(old) || !isPart(now)) return [];
  const [before, after] = [
    { schema: old, resolve: resolveOld },
    { schema: now, resolve: resolveNow },
  ];
  const lost = lostMembers(before, after);
  const escapes = escapesOf(after, before).filter(({ at }) => !lost.includes(at) && !OPEN_ENDED.test(at));
  return [...lost.map((at) => ({ at, what: "is gone" })), ...escapes];
}

function told(where: string, escapes: readonly Escape[]): Change[] {
  return escapes.map(({ at, what }) => `${where}: ${at === "" ? "" : `${at} `}${what}`);
}

function resolverOf(document: Part): Resolve {
  const resolve: Resolve = (part) => {
    const { $ref } = part;
    if (typeof $ref !== "string") return part;
    const names = $ref.replace(/^#\//, "").split("/");
    const found = names.reduce<unknown>((place, name) => (isPart(place) ? place[name] : undefined), document);
    if (!isPart(found)) throw new Error(`${$ref} leads nowhere`);
    return resolve(found);
  };
  return resolve;
}
