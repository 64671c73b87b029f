/** JSON Schemas of two versions of an API, compared: the keywords that our documents use. */

/** What is looked at of a schema, and of any other part of a document. */
export type Part = Readonly<Record<string, unknown>>;

/** Gives the part behind a `$ref`; a part that is none as it is. */
export type Resolve = (part: Part) => Part;

/** A schema with what is needed to follow its references. */
export interface Side {
  readonly schema: Part;
  readonly resolve: Resolve;
}

/** Something that one schema allows and another does not. */
export interface Escape {
  /** JSON Pointer into the value: `/items/0/status`, with `*` for any index. */
  readonly at: string;
  readonly what: string;
}

/** Keywords that allow and forbid nothing. */
const NOTES: ReadonlySet<string> = new Set(["title", "description", "examples", "example", "default"]);

/** Limits, and which of two is the stricter one. */
const LIMITS: Readonly<Record<string, (limit: number, than: number) => boolean>> = {
  minimum: (limit, than) => limit > than,
  minLength: (limit, than) => limit > than,
  minItems: (limit, than) => limit > than,
  maximum: (limit, than) => limit < than,
  maxLength: (limit, than) => limit < than,
  maxItems: (limit, than) => limit < than,
};

const COMPARED: ReadonlySet<string> = new Set([
  ...Object.keys(LIMITS),
  ...["type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items"],
]);

/**
 * In which ways a value of the one schema may be none of the other; empty where all are. A keyword that is not known here counts as
 * broken where it differs: better a question too many.
 */
export function escapesOf(from: Side, to: Side, at = ""): Escape[] {
  const [one, other] = [resolved(from), resolved(to)];
  if (Bun.deepEquals(one.schema, other.schema) && isClosed(one.schema)) return [];
  const [branches, allowed] = [branchesOf(one), branchesOf(other)];
  if (branches.length > 1 || allowed.length > 1)
    return branches.flatMap((branch) => escapesOfBranch(branch, allowed, at));
  return [
    ...escapesOfKind(one.schema, other.schema, at),
    ...escapesOfLimits(one.schema, other.schema, at),
    ...escapesOfMembers(one, other, at),
    ...escapesOfItems(one, other, at),
  ];
}

function resolved({ schema, resolve }: Side): Side {
  return { schema: resolve(schema), resolve };
}

/** Whether the schema says everything itself: equal references may mean different things on the two sides. */
function isClosed(schema: Part): boolean {
  return !JSON.stringify(schema).includes('"$ref"');
}

function branchesOf({ schema, resolve }: Side): Side[] {
  return partsOf(schema.anyOf)
    .map((branch) => resolved({ schema: branch, resolve }))
    .concat(schema.anyOf ? [] : [{ schema, resolve }]);
}

/** The escapes from the branch that fits best: most likely the same one as before. */
function escapesOfBranch(branch: Side, allowed: readonly Side[], at: string): Escape[] {
  const tried = allowed.map((each) => escapesOf(branch, each, at));
  return tried.reduce((best, each) => (each.length < best.length ? each : best));
}

function escapesOfKind(one: Part, other: Part, at: string): Escape[] {
  const escapes: Escape[] = [];
  const types = typesOf(one);
  if (other.type !== undefined && !types.every((type) => isOneOf(type, typesOf(other)))) {
    escapes.push({
      at,
      what: `may be ${types.join(" or ") || "of any type"} where it is ${typesOf(other).join(" or ")}`,
    });
  }
  const [values, allowed] = [valuesOf(one), valuesOf(other)];
  if (allowed !== undefined) {
    const strays = values?.filter((value) => !allowed.includes(value)) ?? ["anything"];
    if (strays.length > 0) escapes.push({ at, what: `may be ${strays.join(", ")}, which is not among the values` });
  }
  return escapes;
}

function typesOf({ type }: Part): string[] {
  return [type].flat().filter((each) => typeof each === "string");
}

function isOneOf(type: string, types: readonly string[]): boolean {
  return types.includes(type) || (type === "integer" && types.includes("number"));
}

function valuesOf(schema: Part): unknown[] | undefined {
  if (schema.const !== undefined) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

function escapesOfLimits(one: Part, other: Part, at: string): Escape[] {
  return Object.keys(other).flatMap((keyword) => {
    if (NOTES.has(keyword) || Bun.deepEquals(one[keyword], other[keyword])) return [];
    const isStricter = LIMITS[keyword];
    if (isStricter === undefined && COMPARED.has(keyword)) return [];
    const [limit, than] = [Number(other[keyword]), Number(one[keyword])];
    if (isStricter !== undefined && one[keyword] !== undefined && !isStricter(limit, than)) return [];
    return [{ at, what: `is held to ${keyword} ${JSON.stringify(other[keyword])}, and not before` }];
  });
}

function escapesOfMembers(one: Side, other: Side, at: string): Escape[] {
  const [given, allowed] = [membersOf(one.schema), membersOf(other.schema)];
  const sure = namesOf(one.schema);
  const missing = namesOf(other.schema).filter((name) => !sure.includes(name));
  return [
    ...missing.map((name) => ({ at: `${at}/${name}`, what: "may be missing where it is required" })),
    ...Object.entries(given).flatMap(([name, schema]) => {
      const target = allowed[name];
      if (target !== undefined) {
        return escapesOf({ ...one, schema }, { ...other, schema: target }, `${at}/${name}`);
      }
      return other.schema.additionalProperties === false ? [{ at: `${at}/${name}`, what: "is not allowed" }] : [];
    }),
  ];
}

function escapesOfItems(one: Side, other: Side, at: string): Escape[] {
  const [items, allowed] = [one.schema.items, other.schema.items];
  if (!isPart(allowed)) return [];
  return escapesOf({ ...one, schema: isPart(items) ? items : {} }, { ...other, schema: allowed }, `${at}/*`);
}

/** Members that the old schema names and the new one does not, at any depth: gone, even where they were optional. */
export function lostMembers(old: Side, now: Side, at = ""): string[] {
  const [before, after] = [resolved(old), resolved(now)];
  const branches = branchesOf(after);
  const lostOf = (branch: Side): string[] => {
    const inBest = branches.map((each) => lostIn(branch, each, at));
    return inBest.reduce((best, each) => (each.length < best.length ? each : best));
  };
  return branchesOf(before).flatMap(lostOf);
}

function lostIn(old: Side, now: Side, at: string): string[] {
  const members = membersOf(now.schema);
  const [items, itemsNow] = [old.schema.items, now.schema.items];
  return [
    ...Object.entries(membersOf(old.schema)).flatMap(([name, schema]) => {
      const member = members[name];
      if (member === undefined) return [`${at}/${name}`];
      return lostMembers({ ...old, schema }, { ...now, schema: member }, `${at}/${name}`);
    }),
    ...(isPart(items) && isPart(itemsNow)
      ? lostMembers({ ...old, schema: items }, { ...now, schema: itemsNow }, `${at}/*`)
      : []),
  ];
}

function membersOf({ properties }: Part): Readonly<Record<string, Part>> {
  return isPart(properties) ? Object.fromEntries(entriesOf(properties)) : {};
}

function namesOf({ required }: Part): string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}

/** The members of a part that are parts themselves. */
export function entriesOf(part: unknown): [name: string, part: Part][] {
  if (!isPart(part)) return [];
  return Object.entries(part).flatMap(([name, value]): [string, Part][] => (isPart(value) ? [[name, value]] : []));
}

/** The parts of a list. */
export function partsOf(list: unknown): Part[] {
  return Array.isArray(list) ? list.filter(isPart) : [];
}

export function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
