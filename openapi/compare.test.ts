import { describe, expect, test } from "bun:test";
import { breakingChanges } from "./compare.ts";
import { fileOf } from "./generate.ts";

/** A document as it is changed in these tests: by hand, wherever it has to be. */
type Document = ReturnType<typeof JSON.parse>;

const wallet: Document = await Bun.file(fileOf("wallet")).json();
const history: Document = await Bun.file(fileOf("history")).json();

function after(change: (document: Document) => void, document = wallet): string[] {
  const changed = structuredClone(document);
  change(changed);
  return breakingChanges(document, changed);
}

const JSON_TYPE = "application/json";
const transfer = ({ paths }: Document) => paths["/wallets/{id}/transfer"].post;
const transferBody = (document: Document) => transfer(document).requestBody.content[JSON_TYPE].schema;
const lines = ({ paths }: Document) => paths["/wallets/{id}/transactions"].get;
const parameter = (document: Document, name: string) =>
  lines(document).parameters.find((each: Document) => each.name === name);
const schema = ({ components }: Document, name: string) => components.schemas[name];

const BREAKING: [name: string, change: (document: Document) => void, told: string][] = [
  ["a path", (d) => delete d.paths["/wallets/{id}"], "/wallets/{id}: is gone"],
  ["an operation", (d) => delete d.paths["/wallets"].post, "POST /wallets: is gone"],
  [
    "the name of a call",
    (d) => {
      transfer(d).operationId = "pay";
    },
    "POST /wallets/{id}/transfer: is called pay in generated clients",
  ],
  ["a status", (d) => delete lines(d).responses["404"], "GET /wallets/{id}/transactions: response 404: is gone"],
  [
    "a header of an answer",
    (d) => delete transfer(d).responses["201"].headers.Location,
    "POST /wallets/{id}/transfer: response 201: header Location is gone",
  ],
  [
    "a member of an answer",
    (d) => {
      delete schema(d, "Transfer").properties.reference;
      schema(d, "Transfer").required = schema(d, "Transfer").required.filter((name: string) => name !== "reference");
    },
    "POST /wallets/{id}/transfer: response 201: /reference is gone",
  ],
  [
    "a member of an answer, now optional",
    (d) => schema(d, "Transfer").required.splice(0, 1),
    "POST /wallets/{id}/transfer: response 201: /id may be missing where it is required",
  ],
  [
    "a new value of an answer",
    (d) => {
      schema(d, "Transfer").properties.status = { type: "string", enum: ["COMPLETED", "PENDING"] };
    },
    "POST /wallets/{id}/transfer: response 201: /status may be PENDING, which is not among the values",
  ],
  [
    "the type of a member",
    (d) => {
      schema(d, "Transfer").properties.amount = { type: "number" };
    },
    "POST /wallets/{id}/transfer: response 201: /amount may be number where it is string",
  ],
  [
    "null where there was none",
    (d) => {
      schema(d, "Transfer").properties.id = { anyOf: [schema(d, "Transfer").properties.id, { type: "null" }] };
    },
    "POST /wallets/{id}/transfer: response 201: /id may be null where it is string",
  ],
  [
    "a parameter, now required",
    (d) => {
      parameter(d, "status").required = true;
    },
    "GET /wallets/{id}/transactions: parameter status (query): is now required",
  ],
  [
    "a new required parameter",
    (d) => lines(d).parameters.push({ name: "tenant", in: "header", required: true, schema: { type: "string" } }),
    "GET /wallets/{id}/transactions: parameter tenant (header): is new and required",
  ],
  [
    "a parameter",
    (d) => {
      lines(d).parameters = lines(d).parameters.filter((each: Document) => each.name !== "reference");
    },
    "GET /wallets/{id}/transactions: parameter reference (query): is gone",
  ],
  [
    "a value of a parameter",
    (d) => parameter(d, "type").schema.enum.pop(),
    "GET /wallets/{id}/transactions: parameter type (query): may be TRANSFER_IN, which is not among the values",
  ],
  [
    "a limit of a parameter",
    (d) => {
      parameter(d, "limit").schema.maximum = 100;
    },
    "GET /wallets/{id}/transactions: parameter limit (query): is held to maximum 100, and not before",
  ],
  [
    "a new required member of a body",
    (d) => {
      transferBody(d).properties.purpose = { type: "string" };
      transferBody(d).required.push("purpose");
    },
    "POST /wallets/{id}/transfer: body: /purpose may be missing where it is required",
  ],
  [
    "a member of a body",
    (d) => delete transferBody(d).properties.reference,
    "POST /wallets/{id}/transfer: body: /reference is not allowed",
  ],
  [
    "the length of a member of a body",
    (d) => {
      transferBody(d).properties.reference.anyOf[0].maxLength = 50;
    },
    "POST /wallets/{id}/transfer: body: /reference is held to maxLength 50, and not before",
  ],
  [
    "a pattern",
    (d) => {
      transferBody(d).properties.amount.pattern = "^[0-9]+$";
    },
    'POST /wallets/{id}/transfer: body: /amount is held to pattern "^[0-9]+$", and not before',
  ],
  [
    "a higher role",
    (d) => {
      transfer(d).security = [{ api_key: ["admin"] }];
    },
    'POST /wallets/{id}/transfer: asks for other credentials: [{"api_key":["admin"]}]',
  ],
];

const HARMLESS: [name: string, change: (document: Document) => void][] = [
  ["nothing", () => undefined],
  ["a new path", (d) => Object.assign(d.paths, { "/new": d.paths["/wallets"] })],
  ["a new status", (d) => Object.assign(lines(d).responses, { 410: { description: "Gone." } })],
  ["a new member of an answer", (d) => Object.assign(schema(d, "Wallet").properties, { name: { type: "string" } })],
  [
    "a new optional member of a body",
    (d) => Object.assign(transferBody(d).properties, { purpose: { type: "string" } }),
  ],
  ["a new optional parameter", (d) => lines(d).parameters.push({ name: "currency", in: "query", schema: {} })],
  ["a new value of a parameter", (d) => parameter(d, "type").schema.enum.push("FEE")],
  ["a new reason to be refused", (d) => schema(d, "Problem").properties.code.enum.push("moon_phase")],
  ["other words", (d) => Object.assign(schema(d, "Wallet"), { description: "A purse." })],
  [
    "a wider limit",
    (d) => {
      parameter(d, "limit").schema.maximum = 500;
    },
  ],
  ["a member that was optional and is always there", (d) => schema(d, "Problem").required.push("transaction_id")],
];

describe("a change that breaks clients is told, with its place", () => {
  test.each(BREAKING)("%s", (_, change, told) => {
    expect(after(change)).toContain(told);
  });

  test("one in a list, by reference, is told of every route that answers it", () => {
    const told = after((d) => delete schema(d, "HistoryEvent").properties.wallet_version, history);
    expect(told).toContain("GET /users/{user_id}/activity: response 200: /items/*/wallet_version is gone");
    expect(told.filter((change) => change.endsWith("wallet_version is gone"))).toHaveLength(5);
  });

  test("a document with nothing in it breaks everything, and no other document breaks one with nothing in it", () => {
    const empty = { ...wallet, paths: {} };
    expect(breakingChanges(wallet, empty)).toHaveLength(Object.keys(wallet.paths).length);
    expect(breakingChanges(empty, wallet)).toEqual([]);
  });
});

describe("a change that breaks no client is not told", () => {
  test.each(HARMLESS)("%s", (_, change) => {
    expect(after(change)).toEqual([]);
  });

  test("nothing at all, in the other document", () => {
    expect(after(() => undefined, history)).toEqual([]);
  });
});
