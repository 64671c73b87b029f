import type { Plant } from "../plant.ts";

/** Bugs in the rules of money: who pays, who may, how much, and in which order the locks are taken. */

const FUNCTION = "sql/functions/wallet/apply_operations.sql";
const RULES = "test/end-to-end/wallet-rules.test.ts";
export const MONEY: readonly Plant[] = [
  {
    name: "no-row-lock",
    breaks: "two servers decide on the same balance, and both spend it",
    edits: [{ file: FUNCTION, old: "order by w.id for no key update) w;", new: "order by w.id) w;" }],
    caught_by: [{ file: "wallet/two-servers.test.ts", title: "the second decides on what the first has left" }],
  },
  {
    name: "no-lock-order",
    breaks: "two lists that share wallets wait for each other, until the database ends one of them",
    edits: [{ file: FUNCTION, old: "order by w.id for no key update) w;", new: "for no key update) w;" }],
    caught_by: [
      {
        file: "wallet/two-servers.test.ts",
        title: "wallets are locked in the order of their ids, wherever their rows lie and however they are found",
      },
    ],
  },
  {
    name: "fund-off-by-0.0001",
    breaks: "each funding makes a ten-thousandth out of nothing",
    edits: [
      {
        file: FUNCTION,
        old: "balances[a] := balances[a] + op.amount;",
        new: "balances[a] := balances[a] + op.amount + 0.0001;",
      },
    ],
    caught_by: [{ file: "wallet/one-list.test.ts", title: "each decides on what those before it have left" }],
  },
  {
    name: "payer-keeps-it",
    breaks: "a transfer pays the receiver and takes nothing from the sender",
    edits: [
      {
        file: FUNCTION,
        old: "if receives then\n        balances[a] := balances[a] - op.amount;",
        new: "if receives and op.kind <> 'TRANSFER' then\n        balances[a] := balances[a] - op.amount;",
      },
    ],
    caught_by: [{ file: "wallet/one-list.test.ts", title: "each decides on what those before it have left" }],
  },
  {
    name: "held-is-spent",
    breaks: "what a saga holds can be spent a second time",
    edits: [{ file: FUNCTION, old: "balances[a] - helds[a] < op.amount", new: "balances[a] < op.amount" }],
    caught_by: [{ file: RULES, title: "a saga holds the amount, and is read where it was started" }],
  },
  {
    name: "any-currency",
    breaks: "yen are paid out as dollars, one for one",
    edits: [
      {
        file: FUNCTION,
        old: "when op.to_wallet_id is not null and currencies[a] <> currencies[b] then 'currency_mismatch'",
        new: "when false then 'currency_mismatch'",
      },
    ],
    caught_by: [{ file: RULES, title: "among those that are decided under the lock" }],
  },
  {
    name: "frozen-receiver-is-paid",
    breaks: "money goes into a wallet that was frozen",
    edits: [{ file: FUNCTION, old: " or (op.to_wallet_id is not null and statuses[b] = 'FROZEN') then", new: " then" }],
    caught_by: [{ file: RULES, title: "a frozen wallet neither pays nor receives, and leaves no line" }],
  },
  {
    name: "no-limit-for-receivers",
    breaks: "transfers fill a wallet beyond its limit, so that a settlement may overflow",
    edits: [
      {
        file: FUNCTION,
        old: "when op.kind = 'TRANSFER' and balances[b] + op.amount > balance_limit",
        new: "when op.kind = 'TRANSFER' and op.amount > balance_limit",
      },
    ],
    caught_by: [{ file: RULES, title: "to the last decimal, by every way in" }],
  },
  {
    name: "fifth-decimal-is-rounded",
    breaks: "an amount with five decimals is rounded, so that what is booked is not what was asked for",
    edits: [{ file: FUNCTION, old: "op.amount <= 0 or scale(op.amount) > 4", new: "op.amount <= 0" }],
    caught_by: [{ file: "wallet/one-list.test.ts", title: "more than four decimals are refused, not rounded" }],
  },
  {
    name: "money-via-number",
    breaks: "large amounts lose their last digits in a floating-point number",
    edits: [
      {
        file: "shared/money.ts",
        old: `const canonical = \`\${whole}.\${fraction.padEnd(SCALE, "0")}\`;`,
        new: `const canonical = Number(\`\${whole}.\${fraction}\`).toFixed(SCALE);`,
      },
    ],
    caught_by: [
      { file: "shared/money.test.ts", title: "what is accepted keeps its value, and its canonical form means itself" },
    ],
  },
  {
    name: "version-not-compared",
    breaks: "an operation happens although the wallet is no longer as its client has seen it",
    edits: [
      {
        file: FUNCTION,
        old: "elsif op.if_match is not null and versions[a] <> all (op.if_match) then",
        new: "elsif op.if_match is not null and false then",
      },
    ],
    caught_by: [{ file: "wallet/one-list.test.ts", title: "a refusal does not touch its neighbours" }],
  },
  {
    name: "failures-are-not-told",
    breaks: "a lack of funds takes a version and writes no event, so the history has a hole for ever",
    edits: [
      {
        file: FUNCTION,
        old: "e.payload::json, e.traceparent from unnest(effects) e;",
        new: "e.payload::json, e.traceparent from unnest(effects) e where e.failure_code is null;",
      },
    ],
    caught_by: [{ file: "wallet/one-list.test.ts", title: "even where its last event lies in the future" }],
  },
];
