import { addresses, headers, methods } from "./wallet-hostile-paths.ts";

/** Requests that a wallet service refuses, with the code that it must give: by their bodies here, the rest beside. */

export interface Attack {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: string;
}

/** Wallets that the attacks are made on; both hold money. */
export interface Victims {
  readonly alice: string;
  readonly bob: string;
}

/** JSON texts of amounts that are none: strings and numbers are `invalid_amount`, the rest a malformed request. */
const STRINGS = [
  ...[
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "1\t",
    "\u00a01",
    "１",
    "١",
    "1٫5",
    "1e3",
    "1E3",
    "1e-4",
    "NaN",
    "Infinity",
    "-Infinity",
  ],
  ...["0", "0.0", "0.0000", "-0", "-1", "+1", ".5", "5.", ".", "-", "1,000", "1,5", "1.00001", "0.00001", "10.00000"],
  ...["01", "00", "00.1", "1000000000000000", "9999999999999999.0", "0x10", "0b1", "1_000", "1.0.0", "1..0", "--1"],
  ...[
    "$1",
    "1 USD",
    "1/2",
    "1%",
    "½",
    "null",
    "true",
    "\u0000",
    "1\u0000",
    "1' or '1'='1",
    "1; drop table wallets",
    "<b>1</b>",
  ],
  "9".repeat(400),
].map((text) => JSON.stringify(text));
const NUMBERS = ["1", "1.5", "0", "-1", "1e3", "1e400", "9007199254740993", "0.1"];
const OTHERS = ["null", "true", "false", "{}", "[]", '["1"]', '{"value":"1"}'];

function amounts({ alice, bob }: Victims): Attack[] {
  const saga = `"sender_wallet_id":"${alice}","receiver_wallet_id":"${bob}","idempotency_key":"amounts",`;
  const routes: readonly (readonly [string, string])[] = [
    [`/wallets/${alice}/fund`, ""],
    [`/wallets/${alice}/withdraw`, ""],
    [`/wallets/${alice}/transfer`, `"to_wallet_id":"${bob}",`],
    ["/transactions", saga],
  ];
  return routes.flatMap(([path, rest]) => {
    const attack = (json: string, code: string): Attack => {
      const body = `{${rest}"amount":${json}}`;
      return { name: `amount ${json.slice(0, 40)}`, method: "POST", path, body, code };
    };
    const missing = {
      name: "amount left out",
      method: "POST",
      path,
      body: `{${rest.slice(0, -1)}}`,
      code: "invalid_request",
    };
    return [
      ...[...STRINGS, ...NUMBERS].map((json) => attack(json, "invalid_amount")),
      ...OTHERS.map((json) => attack(json, "invalid_request")),
      missing,
    ];
  });
}

function bodies({ alice, bob }: Victims): Attack[] {
  const fund = `/wallets/${alice}/fund`;
  const transfer = `/wallets/${alice}/transfer`;
  const attack = (name: string, path: string, body: unknown, code: string, headers = {}): Attack => ({
    ...{ name, method: "POST", path, body, code, headers },
  });
  const malformed = [
    "",
    "{",
    "{]",
    "{'amount':'1'}",
    '{"amount":"1"',
    '{"amount":"1",}',
    "undefined",
    "amount=1",
    "\u0000",
    "NaN",
  ];
  const fields: readonly (readonly [string, string, unknown])[] = [
    ["an unknown field", fund, { amount: "1", fee: "0" }],
    ["another's field", fund, { amount: "1", to_wallet_id: bob }],
    ["a balance", "/wallets", { user_id: "eve", balance: "1000000" }],
    ["a status", "/wallets", { user_id: "eve", status: "ACTIVE" }],
    ["a prototype", fund, `{"amount":"1","__proto__":{"amount":"9"}}`],
    ["a prototype that is all", fund, `{"__proto__":{"amount":"9"}}`],
    ["a constructor", fund, `{"amount":"1","constructor":{"prototype":{}}}`],
    ["a description that is too long", fund, { amount: "1", description: "x".repeat(256) }],
    ["a description of another type", fund, { amount: "1", description: 1 }],
    ["a description with NUL", fund, { amount: "1", description: "a\u0000b" }],
    ["half a surrogate pair", fund, `{"amount":"1","description":"\\ud83d"}`],
    ["a reference that is too long", fund, { amount: "1", reference: "x".repeat(101) }],
    ["a list as reference", fund, { amount: "1", reference: ["x"] }],
    ["no receiver", transfer, { amount: "1" }],
    ["a receiver that is no UUID", transfer, { amount: "1", to_wallet_id: "bob" }],
    ["a receiver with SQL", transfer, { amount: "1", to_wallet_id: `${bob}'; drop table wallets; --` }],
    ["a receiver that is null", transfer, { amount: "1", to_wallet_id: null }],
    ["an unknown currency", "/wallets", { user_id: "eve", currency: "XYZ" }],
    ["a currency in lower case", "/wallets", { user_id: "eve", currency: "usd" }],
    ["a currency that is too long", "/wallets", { user_id: "eve", currency: "USDT" }],
    ["a currency of another type", "/wallets", { user_id: "eve", currency: 840 }],
    ["no user", "/wallets", {}],
    ["a saga without a key", "/transactions", { sender_wallet_id: alice, receiver_wallet_id: bob, amount: "1" }],
    ["a saga with a bad key", "/transactions", { ...sagaOf(alice, bob), idempotency_key: "a b" }],
    ["a saga with a long key", "/transactions", { ...sagaOf(alice, bob), idempotency_key: "k".repeat(256) }],
    ["a saga with a numeric key", "/transactions", { ...sagaOf(alice, bob), idempotency_key: 7 }],
    ["a saga without a sender", "/transactions", { ...sagaOf(alice, bob), sender_wallet_id: undefined }],
  ];
  const users = [
    "",
    ".",
    "..",
    "x".repeat(101),
    "😀".repeat(101),
    "a\u0000",
    "a\nb",
    "\u0007",
    "\u007f",
    "\u0085",
    1,
    null,
    true,
    {},
    ["eve"],
  ];
  return [
    ...malformed.map((text) => attack(`the text ${JSON.stringify(text)}`, fund, text, "invalid_json")),
    ...["null", "1", '"text"', "[]", "true"].map((text) => attack(`the value ${text}`, fund, text, "invalid_request")),
    attack("bytes that are no UTF-8", fund, Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d), "invalid_json"),
    attack("depth without end", fund, "[".repeat(30_000) + "]".repeat(30_000), "invalid_json"),
    attack("a giant", fund, JSON.stringify({ amount: "1", description: "x".repeat(65_536) }), "body_too_large"),
    ...fields.map(([name, path, body]) => attack(name, path, body, "invalid_request")),
    ...users.map((user_id) =>
      attack(`the user ${Bun.inspect(user_id).slice(0, 20)}`, "/wallets", { user_id }, "invalid_request"),
    ),
    ...[
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonp",
      "text/json",
      "*/*",
    ].map((type) =>
      attack(`the type ${type}`, fund, '{"amount":"1"}', "unsupported_media_type", { "content-type": type }),
    ),
    attack("a compressed body", fund, '{"amount":"1"}', "unsupported_media_type", { "content-encoding": "gzip" }),
  ];
}

function sagaOf(sender: string, receiver: string) {
  return { sender_wallet_id: sender, receiver_wallet_id: receiver, amount: "1", idempotency_key: "hostile" };
}

export const ATTACKS: Readonly<Record<string, (victims: Victims) => Attack[]>> = {
  amounts,
  bodies,
  addresses,
  methods,
  headers,
};
