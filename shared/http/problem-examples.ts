import type { ProblemCode } from "./problems.ts";

/**
 * What the page of a problem says beyond the catalogue: the rule that was broken, a request that gets the problem, and one
 * that succeeds. The commands are for the two wallets that `bun start` makes; a test runs every one of them against real servers.
 */
export interface ProblemExample {
  /** The rule in full, so that nobody has to look for it elsewhere. */
  readonly rule: string;
  /** Commands whose last answer is the problem; absent where no request alone brings it about. */
  readonly fails?: string;
  /** Commands whose last answer is a success. */
  readonly succeeds: string;
  /** The setting that a server must have to answer so. */
  readonly setting?: "API_KEYS" | "RATE_LIMIT";
}

const WALLET = "http://localhost:3000";
const HISTORY = "http://localhost:3001";
const ALICE = "01890000-0000-7000-8000-000000000001";
const BOB = "01890000-0000-7000-8000-000000000002";
/** An id that nothing has. */
const NOBODY = "01890000-0000-7000-8000-0000000000ff";
const JSON_TYPE = "-H 'content-type: application/json'";

const post = (path: string, body: Readonly<Record<string, unknown>>, headers = ""): string =>
  `curl -s ${WALLET}${path} ${JSON_TYPE}${headers} \\\n  -d '${JSON.stringify(body)}'`;
const pay = (body: Readonly<Record<string, unknown>>, headers = ""): string =>
  post(`/wallets/${ALICE}/transfer`, body, headers);
const toBob = (amount: unknown) => ({ to_wallet_id: BOB, amount });
const key = (name: string): string => ` -H 'Idempotency-Key: ${name}'`;

/** Opens a wallet, the same one each time within 25 hours, and keeps its id. */
const open = (name: string, user_id: string, currency: string): string =>
  `${name}=$(${post("/wallets", { user_id, currency }, key(`open-${user_id}`)).replace(" \\\n ", "")} |\n  sed -E 's/.*"id":"([^"]+)".*/\\1/')`;
/** A POST to the wallet whose id a variable holds. */
const act = (name: string, what: string, body: Readonly<Record<string, unknown>> | undefined, headers = ""): string =>
  `curl -s -X POST ${WALLET}/wallets/$${name}/${what}${headers}${body === undefined ? "" : ` ${JSON_TYPE} \\\n  -d '${JSON.stringify(body)}'`}`;
/** The same for its effect alone. */
const quietly = (command: string): string => `${command} >/dev/null`;

/**
 * Sent again by curl itself, which waits as long as `Retry-After` says. The key makes that safe; without --fail the body of each refusal
 * would be printed before that of the answer.
 */
const again = (name: string): string => pay(toBob("0.01"), `${key(name)} --fail --retry 5`);

export const EXAMPLES: Readonly<Record<ProblemCode, ProblemExample>> = {
  invalid_request: {
    rule: "A route takes the fields, parameters and headers that its description names, each in its form. What is unknown is refused and not ignored, because a misspelt optional field would otherwise be lost without a word.",
    fails: pay({ ...toBob("0.01"), memo: "Lunch" }),
    succeeds: pay({ ...toBob("0.01"), description: "Lunch" }),
  },
  invalid_json: {
    rule: "A body is one JSON object in UTF-8, of at most 64 KiB.",
    fails: `curl -s ${WALLET}/wallets/${ALICE}/transfer ${JSON_TYPE} \\\n  -d '{"to_wallet_id": "${BOB}", "amount": }'`,
    succeeds: pay(toBob("0.01")),
  },
  invalid_amount: {
    rule: "An amount is a decimal string: digits, and at most four decimals behind a point; greater than zero; at most 15 digits before the point. A JSON number is refused, because many readers make a binary fraction of it, and 0.1 is none.",
    fails: pay(toBob(0.01)),
    succeeds: pay(toBob("0.01")),
  },
  invalid_cursor: {
    rule: "A cursor is good for the list, the filters and the order that it came from. limit may change from page to page.",
    fails: `curl -s '${WALLET}/wallets/${ALICE}/transactions?cursor=page-2'`,
    succeeds: `NEXT=$(curl -s '${WALLET}/wallets/${ALICE}/transactions?limit=1' | sed -E 's/.*"next_cursor":"?([^"}]+).*/\\1/')
[ "$NEXT" = null ] || curl -s "${WALLET}/wallets/${ALICE}/transactions?limit=1&cursor=$NEXT"`,
  },
  unauthenticated: {
    rule: "A server that has API_KEYS wants one of them for every route of the API. Probes, the API description, these pages and the console's files are open.",
    setting: "API_KEYS",
    fails: `curl -s ${WALLET}/wallets/${ALICE}`,
    succeeds: `curl -s ${WALLET}/wallets/${ALICE} -H "Authorization: Bearer $API_KEY"`,
  },
  forbidden: {
    rule: "A key has a role: read; write, which also opens wallets and moves money; or admin, which also freezes and replays dead letters.",
    setting: "API_KEYS",
    fails: `curl -s -X POST ${WALLET}/wallets/${BOB}/freeze -H "Authorization: Bearer $READ_KEY"`,
    succeeds: `curl -s -X POST ${WALLET}/wallets/${BOB}/unfreeze -H "Authorization: Bearer $API_KEY"`,
  },
  not_found: {
    rule: "Only the paths of the API description exist. The wallet service and the history service have different ones.",
    fails: `curl -s ${WALLET}/wallets/${ALICE}/history`,
    succeeds: `curl -s ${HISTORY}/wallets/${ALICE}/history`,
  },
  wallet_not_found: {
    rule: "A wallet exists from the answer to POST /wallets on, and for ever. The history knows it when its first event has arrived, within a second as a rule.",
    fails: `curl -s ${WALLET}/wallets/${NOBODY}`,
    succeeds: `curl -s ${WALLET}/users/alice/wallets`,
  },
  transaction_not_found: {
    rule: "GET /transactions/{id} answers the id of a line, of an instant transfer (that of its sender's line) and of a saga. The ledger answers the same ids, once it has posted them.",
    fails: `curl -s ${WALLET}/transactions/${NOBODY}`,
    succeeds: `curl -s '${WALLET}/wallets/${ALICE}/transactions?limit=1'`,
  },
  account_not_found: {
    rule: "The ledger has an account for each wallet, under the wallet's id, and external:USD and clearing:USD for each currency that a wallet has.",
    fails: `curl -s ${HISTORY}/ledger/accounts/${NOBODY}`,
    succeeds: `curl -s ${HISTORY}/ledger/accounts/${ALICE}`,
  },
  method_not_allowed: {
    rule: "Each path answers certain methods; HEAD wherever GET. Nothing is ever deleted, so there is no DELETE.",
    fails: `curl -s -X DELETE ${WALLET}/wallets/${ALICE}`,
    succeeds: `curl -s ${WALLET}/wallets/${ALICE}`,
  },
  request_timeout: {
    rule: "A body has 10 seconds to arrive, however steadily its bytes come: a server that waited longer could be kept busy by senders that never end. Nothing of such a request is carried out.",
    succeeds: pay(toBob("0.01")),
  },
  idempotency_in_progress: {
    rule: "Two requests with one Idempotency-Key are one attempt. The second gets the answer of the first, or this problem while there is none yet.",
    succeeds: again("example-in-progress"),
  },
  version_mismatch: {
    rule: "With If-Match, an operation happens only if the wallet that pays (or is funded) is at that version at the moment of the operation. The version is the wallet's ETag.",
    fails: pay(toBob("0.01"), ` -H 'If-Match: "1"'`),
    succeeds: `ETAG=$(curl -si ${WALLET}/wallets/${ALICE} | tr -d '\\r' | sed -n 's/^[Ee][Tt]ag: //p')
curl -s ${WALLET}/wallets/${ALICE}/transfer ${JSON_TYPE} -H "If-Match: $ETAG" \\\n  -d '${JSON.stringify(toBob("0.01"))}'`,
  },
  body_too_large: {
    rule: "A body has at most 64 KiB (65,536 bytes).",
    fails: `head -c 70000 /dev/zero | tr '\\0' ' ' |
  curl -s ${WALLET}/wallets/${ALICE}/transfer ${JSON_TYPE} --data-binary @-`,
    succeeds: pay(toBob("0.01")),
  },
  unsupported_media_type: {
    rule: "A body is application/json, with or without parameters, and not compressed. curl -d alone says that it is a form.",
    fails: `curl -s ${WALLET}/wallets/${ALICE}/transfer \\\n  -d '${JSON.stringify(toBob("0.01"))}'`,
    succeeds: pay(toBob("0.01")),
  },
  insufficient_funds: {
    rule: "available = balance - held, and a payment takes at most what is available. held is what unfinished sagas have reserved. The refused attempt is kept as a FAILED line and as a TRANSFER_FAILED event, and its Idempotency-Key is used up: a late repetition must not pay after all.",
    fails: pay(toBob("99999999")),
    succeeds: `${quietly(post(`/wallets/${ALICE}/fund`, { amount: "0.01" }))}\n${pay(toBob("0.01"))}`,
  },
  same_wallet: {
    rule: "Sender and receiver are two wallets. They may belong to one user.",
    fails: pay({ to_wallet_id: ALICE, amount: "0.01" }),
    succeeds: pay(toBob("0.01")),
  },
  currency_mismatch: {
    rule: "A wallet has one currency for ever, and a transfer is within one currency. There is no conversion.",
    fails: `${open("EUROS", "example-euros", "EUR")}
curl -s ${WALLET}/wallets/${ALICE}/transfer ${JSON_TYPE} \\\n  -d "{\\"to_wallet_id\\": \\"$EUROS\\", \\"amount\\": \\"0.01\\"}"`,
    succeeds: pay(toBob("0.01")),
  },
  balance_limit_exceeded: {
    rule: "A wallet holds at most 99999999999999.9999. What unfinished sagas will bring counts as if it were there.",
    fails: `${open("FULL", "example-full", "KWD")}
${quietly(act("FULL", "fund", { amount: "99999999999999.9999" }))}
${act("FULL", "fund", { amount: "0.0001" })}`,
    succeeds: `${open("FULL", "example-full", "KWD")}
${quietly(act("FULL", "fund", { amount: "0.0001" }))}
${act("FULL", "withdraw", { amount: "0.0001" })}`,
  },
  wallet_frozen: {
    rule: "A frozen wallet neither pays nor receives by a request. A saga that the ledger has agreed to before is still carried out.",
    fails: `${open("FROZEN", "example-frozen", "USD")}
${quietly(act("FROZEN", "freeze", undefined))}
${act("FROZEN", "fund", { amount: "0.01" })}`,
    succeeds: `${open("FROZEN", "example-frozen", "USD")}
${quietly(act("FROZEN", "unfreeze", undefined))}
${act("FROZEN", "fund", { amount: "0.01" })}`,
  },
  not_replayable: {
    rule: "A replay applies the message as if it came now, under the same checks. What is refused changes nothing.",
    succeeds: `curl -s ${HISTORY}/dead-letters`,
  },
  idempotency_key_reused: {
    rule: 'A key belongs to the method, path and body that it was first sent with, for at least 25 hours. Equal bodies are equal whatever the order of their fields, and "1" is "1.0000".',
    fails: `${quietly(pay(toBob("0.01"), key("example-reused")))}
${pay(toBob("0.02"), key("example-reused"))}`,
    succeeds: pay(toBob("0.01"), key("example-reused")),
  },
  rate_limited: {
    rule: "A server that has a RATE_LIMIT holds each client to it: by API key, or else by address. Nothing of a refused request was looked at, and its Idempotency-Key is free.",
    setting: "RATE_LIMIT",
    fails: `for each in $(seq 100); do curl -s ${WALLET}/wallets/${ALICE}; echo; done | grep -m 1 '"code"'`,
    succeeds: again("example-rate-limited"),
  },
  internal_error: {
    rule: "No request should bring this about. Whether it did anything is known under its Idempotency-Key alone: the same request again either gets the stored answer or does it.",
    succeeds: again("example-internal-error"),
  },
  unavailable: {
    rule: "Nothing has happened, and the key is free. Money waits for its database and for nothing else: neither the broker nor the history has to be there.",
    succeeds: again("example-unavailable"),
  },
  overloaded: {
    rule: "Nothing has happened, and the key is free. A server refuses at once what it could not answer in time, so that the rest is answered in time.",
    succeeds: again("example-overloaded"),
  },
  history_behind: {
    rule: "min_version waits up to 2 seconds for that version of the wallet. A balance at a version or time is answered only if no event is missing that could change it.",
    fails: `curl -s '${HISTORY}/wallets/${ALICE}/balance?version=999999999'`,
    succeeds: `curl -s '${HISTORY}/wallets/${ALICE}/balance'`,
  },
  outcome_unknown: {
    rule: "This is the one answer after which money may have moved. The same request with the same key finds out, and does not move it twice. Without a key of your own, look for the line in GET /wallets/{id}/transactions before you try again.",
    succeeds: again("example-outcome-unknown"),
  },
};
