import type { Plant } from "../plant.ts";

/** Bugs in how a saga ends: the hold, the decision, and what is done when it cannot be applied. */

const FUNCTION = "sql/functions/wallet/apply_operations.sql";
const SETTLE = "wallet/settle.ts";
const SETTLE_TEST = "wallet/settle.test.ts";
export const SAGA: readonly Plant[] = [
  {
    name: "hold-not-released",
    breaks: "what a refused saga had reserved can never be spent again",
    edits: [
      {
        file: FUNCTION,
        old: "helds[a] := helds[a] - op.amount;",
        new: "helds[a] := helds[a] - case op.kind when 'SETTLE' then op.amount else 0 end;",
      },
    ],
    caught_by: [{ file: SETTLE_TEST, title: "is applied before its batch counts as read" }],
  },
  {
    name: "released-twice",
    breaks: "a refusal that comes twice ends the hold of another saga, whose money can then be spent before it settles",
    edits: [
      {
        file: FUNCTION,
        old: "elsif saga_states[saga_slots[i]] <> 'INITIATED' then",
        new: "elsif saga_states[saga_slots[i]] = 'SUCCESS' then",
      },
    ],
    caught_by: [{ file: SETTLE_TEST, title: "that comes again releases nothing of another saga's" }],
  },
  {
    name: "settled-twice",
    breaks: "a decision that comes twice moves the money twice and releases another saga's hold",
    edits: [
      {
        file: FUNCTION,
        old: "elsif saga_states[saga_slots[i]] <> 'INITIATED' then",
        new: "elsif saga_states[saga_slots[i]] = 'FAILED' then",
      },
    ],
    caught_by: [
      {
        file: "wallet/one-list.test.ts",
        title: "a settlement is not refused, even where the wallet has been filled meanwhile",
      },
    ],
  },
  {
    name: "decision-of-another-saga",
    breaks: "one decision ends every unfinished saga, whichever it was about",
    edits: [
      {
        file: FUNCTION,
        old: "where s.id = op.id and s.status = 'INITIATED' and op.kind in",
        new: "where s.status = 'INITIATED' and op.kind in",
      },
    ],
    caught_by: [
      {
        file: "wallet/one-list.test.ts",
        title: "a settled saga takes its room with it, a released one gives it back",
      },
    ],
  },
  {
    name: "no-room-for-sagas",
    breaks: "sagas on their way to a wallet are not counted, and together overflow it",
    edits: [
      {
        file: FUNCTION,
        old: "balances[b] + incoming[b] + op.amount > balance_limit",
        new: "balances[b] + op.amount > balance_limit",
      },
    ],
    caught_by: [{ file: "wallet/one-list.test.ts", title: "within one list and from list to list" }],
  },
  {
    name: "unknown-taken-for-settled",
    breaks: "a decision that the database never heard counts as applied, and its saga holds for ever",
    edits: [
      {
        file: SETTLE,
        old: `if (outcome.failure !== undefined) return "again";`,
        new: "if (outcome.failure !== undefined) return undefined;",
      },
    ],
    caught_by: [{ file: SETTLE_TEST, title: "what is not known to be done is done again, until it is known" }],
  },
  {
    name: "unknown-saga-is-swallowed",
    breaks: "a decision on a saga that nobody has started goes by unnoticed",
    edits: [{ file: SETTLE, old: `if (outcome.status === 404) return "no such saga";\n`, new: "" }],
    caught_by: [
      { file: SETTLE_TEST, title: "on a saga that there is none of is set aside, and its neighbours are applied" },
    ],
  },
  {
    name: "contradiction-is-settled",
    breaks: "a decision that says the opposite of the first goes by unnoticed",
    edits: [{ file: SETTLE, old: "if (outcome.status === 409)", new: "if (outcome.status === 410)" }],
    caught_by: [{ file: SETTLE_TEST, title: "that contradicts the first is set aside, and changes nothing" }],
  },
];
