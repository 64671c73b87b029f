import { type TSchema, t } from "elysia";

/**
 * The kinds of fields and parameters that both services read, as TypeBox schemas for `body`, `query` and `params`.
 *
 * Query and path parameters are always strings here: Elysia's numeric types accept `5.0`, `1e2` and numbers past 2^53.
 * `x-rule` is what a client is told when the check fails; `x-documented` is the schema that the API description shows
 * where it differs from the one that is checked.
 */

/** An object that refuses fields it does not name. */
export function exact<Properties extends Record<string, TSchema>>(properties: Properties) {
  return t.Object(properties, { additionalProperties: false, "x-rule": "must be an object" });
}

/** A body field that may be left out; null says the same. */
export function optional<Schema extends TSchema>(schema: Schema) {
  return t.Optional(t.Union([schema, t.Null()], { "x-rule": schema["x-rule"] }));
}

/** One of the words, exactly. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  const schema = t.Union(
    words.map((word) => t.Literal(word)),
    { "x-rule": `must be one of ${words.join(", ")}`, "x-documented": { type: "string", enum: words } },
  );
  return t.Unsafe<Words[number]>(schema);
}

/**
 * Text of `min` to `max` code points (JSON Schema and PostgreSQL count those; TypeBox's maxLength counts UTF-16 units). NUL and
 * lone surrogates are refused, since PostgreSQL cannot store them; with `controls: false` also C0, C1 and DEL.
 */
export function text(options: { min: number; max: number; controls: boolean; except?: string; rule?: string }) {
  const { min, max, controls, except = "", rule = `must be text of ${min} to ${max} characters` } = options;
  const unit = controls ? "[^\\u0000\\ud800-\\udfff]" : "[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]";
  const documented = controls ? "[^\\u0000]" : "[^\\u0000-\\u001f\\u007f-\\u009f]";
  return t.String({
    pattern: `^${except}(?:${unit}|[\\ud800-\\udbff][\\udc00-\\udfff]){${min},${max}}$`,
    "x-rule": controls ? rule : `${rule}, without control characters`,
    // Readers of JSON Schema count code points, so the lengths are told as such, and the pattern says what is left.
    "x-documented": { type: "string", minLength: min, maxLength: max, pattern: `^${except}${documented}*$` },
  });
}

/** A UUID of any version, in either case. */
export const uuid = t.String({
  pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
  "x-rule": "must be a UUID",
  "x-documented": { type: "string", format: "uuid" },
  // The first of the wallets that `bun start` makes, so that the API description can be tried as it is.
  examples: ["01890000-0000-7000-8000-000000000001"],
});

/** Path parameters of the routes about one thing. */
export const idPath = exact({ id: uuid });

/** A client's name for a user; `.` and `..` are refused, since no URL can carry them. */
export const userId = t.String({
  ...text({
    min: 1,
    max: 100,
    controls: false,
    except: "(?!\\.{1,2}$)",
    rule: "must be text of 1 to 100 characters, other than . and ..",
  }),
  examples: ["alice"],
});

/** A body's amount: what {@link AMOUNT_RULE} says. A string or number that breaks it is answered `invalid_amount`. */
export const amount = t.String({
  pattern: "^(?!0(?:\\.0{1,4})?$)(?:0|[1-9]\\d{0,14})(?:\\.\\d{1,4})?$",
  "x-rule": "must be a decimal string greater than zero with at most 15 digits before and 4 after the point",
  examples: ["10.50"],
});

/** A query's version or other positive count, as text; up to 15 digits, so that `Number()` of it is exact. */
export const countParameter = t.String({
  pattern: "^[1-9]\\d{0,14}$",
  "x-rule": "must be a positive integer",
  "x-documented": { type: "integer", format: "int64", minimum: 1, maximum: 999_999_999_999_999 },
});

/** A query's time, as text; `parseInstant` of lists.ts reads it. */
export const instantParameter = t.String({
  "x-rule": "must be an RFC 3339 time",
  "x-documented": { type: "string", format: "date-time" },
  examples: ["2026-01-31T12:00:00.000Z"],
});
