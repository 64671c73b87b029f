import type { Step } from "./gate.ts";

/** Where a server is killed: one entry for each row of docs/crashes.md, under the same name. */
export interface Crash {
  readonly name: string;
  readonly at: Place;
}

export type Place =
  /** Held on its way to or from the database or the broker; `after` is a statement whose reply has come before. */
  | (Step & { readonly server: "database" | "broker"; readonly after?: RegExp })
  /** Inside its transaction, which waits for this table. */
  | { readonly inside: string };

/** Cases of one system, one after the other; all of them kill the same server. */
export interface Lane {
  readonly title: string;
  readonly kills: "wallet" | "history";
  readonly moves: "transfer" | "saga";
  readonly crashes: readonly Crash[];
}

type Held = Step["hold"];
const database = (hold: Held, of: RegExp): Place => ({ server: "database", hold, of });
const broker = (hold: Held, of: RegExp): Place => ({ server: "broker", hold, of });
const offset = (hold: Held, after: RegExp): Place => ({ server: "broker", hold, of: /^OffsetCommit/, after });

const TRANSFER = /apply_operations.*"kind":"TRANSFER"/s;
const RESERVE = /apply_operations.*"kind":"RESERVE"/s;
const SETTLE = /apply_operations.*"kind":"SETTLE"/s;
const RECORD = /record_events/;
const READ = /from read_outbox\(/;
const ADVANCE = /advance_outbox\(/;

export const LANES: readonly Lane[] = [
  {
    title: "a transfer",
    kills: "wallet",
    moves: "transfer",
    crashes: [
      { name: "before the call has reached the database", at: database("request", TRANSFER) },
      { name: "while the database works on the call", at: { inside: "wallet.outbox" } },
      { name: "after the commit, before the answer", at: database("reply", TRANSFER) },
    ],
  },
  {
    title: "the relay",
    kills: "wallet",
    moves: "transfer",
    crashes: [
      { name: "with the lease, before it has read the outbox", at: database("request", READ) },
      { name: "with the events read and not sent", at: broker("request", /^Produce/) },
      { name: "with the events sent and not acknowledged", at: broker("reply", /^Produce/) },
      { name: "with the events acknowledged, before its position moves", at: database("request", ADVANCE) },
      { name: "with its position moved, and not told so", at: database("reply", ADVANCE) },
    ],
  },
  {
    title: "the projection",
    kills: "history",
    moves: "transfer",
    crashes: [
      { name: "with a batch fetched and not stored", at: database("request", RECORD) },
      { name: "while the database stores the batch", at: { inside: "history.transaction_events" } },
      { name: "with the batch stored, and not told so", at: database("reply", RECORD) },
      { name: "with the batch stored, before its offset is committed", at: offset("request", RECORD) },
      { name: "with the offset committed, and not told so", at: offset("reply", RECORD) },
    ],
  },
  {
    title: "the reservation of a saga",
    kills: "wallet",
    moves: "saga",
    crashes: [
      { name: "before the reservation has reached the database", at: database("request", RESERVE) },
      { name: "with the amount reserved, before the answer", at: database("reply", RESERVE) },
      { name: "before the reservation has reached the topic", at: broker("request", /^Produce.*WALLET_RESERVED/s) },
      { name: "with the reservation on the topic, unacknowledged", at: broker("reply", /^Produce.*WALLET_RESERVED/s) },
    ],
  },
  {
    title: "the decision of the ledger",
    kills: "history",
    moves: "saga",
    crashes: [
      { name: "with the reservation fetched and not decided", at: database("request", /record_events.*RESERVED/s) },
      { name: "while the database posts the saga", at: { inside: "history.ledger_decisions" } },
      { name: "with the saga posted, and not told so", at: database("reply", /record_events.*RESERVED/s) },
      {
        name: "with the saga posted, before its offset is committed",
        at: offset("request", /record_events.*RESERVED/s),
      },
    ],
  },
  {
    title: "the answer of the ledger",
    kills: "history",
    moves: "saga",
    crashes: [
      { name: "before the decision has reached the topic", at: broker("request", /^Produce.*LEDGER_SUCCESS/s) },
      { name: "with the decision on the topic, unacknowledged", at: broker("reply", /^Produce.*LEDGER_SUCCESS/s) },
      { name: "with the decision acknowledged, before the position moves", at: database("request", ADVANCE) },
    ],
  },
  {
    title: "the settlement of a saga",
    kills: "wallet",
    moves: "saga",
    crashes: [
      { name: "with the decision fetched and not settled", at: database("request", SETTLE) },
      { name: "while the database settles the saga", at: { inside: "wallet.wallet_transactions" } },
      { name: "with the saga settled, and not told so", at: database("reply", SETTLE) },
      { name: "with the saga settled, before its offset is committed", at: offset("request", SETTLE) },
    ],
  },
];
