import type { Plant } from "../plant.ts";

/** Bugs in the history and its ledger: what is stored, posted and decided. */

const RECORD = "sql/functions/history/record_events.sql";
const LEDGER = "sql/functions/history/apply_ledger.sql";
const TABLES = "sql/migrations/0002_history.sql";
const RECORD_TEST = "sql/functions/history/record_events.test.ts";
const LEDGER_TEST = "sql/functions/history/apply_ledger.test.ts";
const APPEND_ONLY = "before update or delete or truncate on transaction_events";

export const RECORDED: readonly Plant[] = [
  {
    name: "stored-event-is-overwritten",
    breaks: "a redelivered or forged message changes what the history has said before",
    edits: [
      {
        file: RECORD,
        old: "    on conflict do nothing\n    returning",
        new: "    on conflict (id) do update set event_data = excluded.event_data\n    returning",
      },
      { file: TABLES, old: APPEND_ONLY, new: "before truncate on transaction_events" },
      {
        file: TABLES,
        old: "grant select, insert on transaction_events to history_app;",
        new: "grant select, insert, update on transaction_events to history_app;",
      },
    ],
    caught_by: [{ file: RECORD_TEST, title: "another content under an id that is taken" }],
  },
  {
    name: "history-can-be-changed",
    breaks: "whoever reaches the database can rewrite what happened",
    edits: [{ file: TABLES, old: APPEND_ONLY, new: "before truncate on transaction_events" }],
    caught_by: [{ file: RECORD_TEST, title: "it cannot be changed or removed, not even by the owner" }],
  },
  {
    name: "version-not-unique",
    breaks: "one version of a wallet has two events, and both are counted",
    edits: [
      {
        file: TABLES,
        old: "  constraint transaction_events_version_once unique (wallet_id, wallet_version),\n",
        new: "",
      },
    ],
    caught_by: [{ file: RECORD_TEST, title: "another event under a version that is taken" }],
  },
  {
    name: "contradiction-is-swallowed",
    breaks: "two events under one version of a wallet, and nobody is told which was dropped",
    edits: [
      {
        file: RECORD,
        old: "when same.id is null then 'conflicting_version'",
        new: "when same.id is null then 'duplicate'",
      },
    ],
    caught_by: [{ file: RECORD_TEST, title: "another event under a version that is taken" }],
  },
  {
    name: "gap-not-recorded",
    breaks: "a missing event is not missed: balances are told as if it had never been",
    edits: [{ file: RECORD, old: "if v_wallet_ids is not null then", new: "if false then" }],
    caught_by: [{ file: RECORD_TEST, title: "a version that skips ahead leaves a gap, which closes piece by piece" }],
  },
  {
    name: "posted-out-of-order",
    breaks: "the ledger posts what comes behind a missing event, and decides sagas on a wrong balance",
    edits: [
      { file: LEDGER, old: "        and later.wallet_version < wallets.gap_version\n", new: "" },
      {
        file: LEDGER,
        old: "continue when versions[n] <> applied[s] + 1;",
        new: "continue when versions[n] <= applied[s];",
      },
    ],
    caught_by: [
      {
        file: LEDGER_TEST,
        title: "what is behind a gap waits, for this wallet only, and what fills the gap releases it",
      },
    ],
  },
  {
    name: "posting-off-by-0.0001",
    breaks: "an account's balance is not what its entries come to",
    edits: [
      {
        file: LEDGER,
        old: "      wallet_balances[n] := balances[s];\n    end if;",
        new: "      balances[s] := balances[s] + 0.0001;\n      wallet_balances[n] := balances[s];\n    end if;",
      },
    ],
    caught_by: [{ file: LEDGER_TEST, title: "money from outside, to outside, and between two wallets" }],
  },
  {
    name: "one-sided-posting",
    breaks: "a saga debits its sender in the ledger and credits nobody",
    edits: [{ file: LEDGER, old: "balances[o] := balances[o] - changes[n];", new: "balances[o] := balances[o];" }],
    caught_by: [{ file: LEDGER_TEST, title: "success debits the sender, credits the receiver and says so" }],
  },
  {
    name: "decided-again",
    breaks: "a saga that is asked about again is decided again, on whatever holds by then",
    edits: [
      {
        file: LEDGER,
        old: "array_agg(d.transaction_id is not null order by n),",
        new: "array_agg(false order by n),",
      },
    ],
    caught_by: [
      {
        file: LEDGER_TEST,
        title: "another event under the id of a saga that is decided is answered, and posts nothing",
      },
    ],
  },
  {
    name: "frozen-account-is-posted",
    breaks: "the ledger grants sagas from and to an account that was frozen",
    edits: [{ file: LEDGER, old: "when frozen[s] or frozen[o] then", new: "when frozen[s] and frozen[o] then" }],
    caught_by: [{ file: LEDGER_TEST, title: "is refused, and nothing is posted" }],
  },
];
