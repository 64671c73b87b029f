import { describe, expect, test } from "bun:test";
import type { Answer, Done } from "./attempt.ts";
import type { Happened } from "./events.ts";
import { falseRepetitions, findingsOf } from "./findings.ts";
import type { Kind } from "./requests.ts";

/** A wallet is opened, funded with 10, and pays 4 to another: each request one after the other. */
const A = "wallet a";
const B = "wallet b";

function event(wallet_id: string, version: number, type: string, amount: string, balance_after: string, id: string) {
  const [transaction_id, transfer_id] = [id, type.startsWith("TRANSFER") ? id : null];
  return {
    ...({ wallet_id, version, type, amount, transaction_id, transfer_id, settled: false } as const),
    ...({ balance_after, held_after: "0.0000" } as const),
  };
}

const EVENTS: readonly Happened[] = [
  event(A, 1, "WALLET_CREATED", "0.0000", "0.0000", "none"),
  event(A, 2, "WALLET_FUNDED", "10.0000", "10.0000", "f"),
  event(A, 3, "TRANSFER_OUT", "4.0000", "6.0000", "t"),
  event(B, 1, "WALLET_CREATED", "0.0000", "0.0000", "none"),
  event(B, 2, "TRANSFER_IN", "4.0000", "4.0000", "t"),
];

function told(kind: Kind, at: number, answer: Answer, status = 201): Done {
  const request = { kind, path: `/${kind}`, body: undefined, key: `${kind} ${at}` };
  const times = { sent_at: at, last_sent_at: at, answered_at: at + 5 };
  return { request, ...times, status, text: "", answer, unknown: false, replayed: false };
}

const opened = (id: string) => ({ id, version: 1, balance: "0.0000", held: "0.0000", status: "ACTIVE" });
const FUNDED = { id: "f", wallet_id: A, wallet_version: 2, amount: "10.0000", balance_after: "10.0000" };
const PAID = { id: "t", from_wallet_id: A, from_wallet_version: 3, amount: "4.0000", from_balance_after: "6.0000" };
const DONE: readonly Done[] = [
  told("create", 0, opened(A)),
  told("create", 10, opened(B)),
  told("fund", 20, FUNDED),
  told("transfer", 30, PAID),
];

const changed = <T>(list: readonly T[], at: number, change: Partial<T>) =>
  list.map((each, index) => (index === at ? { ...each, ...change } : each));

/** The kinds of what is found, `lost` and `doubled` with what they are. */
function found(done: readonly Done[], events: readonly Happened[]): string[] {
  const { lost, doubled, others } = findingsOf(done, events, []);
  const kinds = Object.entries(others).flatMap(([kind, all]) => (all.length > 0 ? [kind] : []));
  return [...lost.map((what) => `lost: ${what}`), ...doubled.map((what) => `doubled: ${what}`), ...kinds];
}

describe("what clients were told is held against what has happened", () => {
  test("nothing is found where all is right", () => {
    expect(found(DONE, EVENTS)).toEqual([]);
  });

  test("an answered payment that is in no history is lost", () => {
    const done = [...DONE, told("withdraw", 40, { id: "w", wallet_id: A, wallet_version: 4, amount: "1.0000" })];
    expect(found(done, EVENTS)).toEqual(["lost: withdrawn w 1.0000", "answered otherwise"]);
  });

  test("half a transfer is lost", () => {
    expect(found(DONE, EVENTS.slice(0, 4))).toEqual(["lost: received t 4.0000"]);
  });

  test("what happened without an answer, or twice, is doubled", () => {
    const again = event(A, 4, "WALLET_FUNDED", "10.0000", "16.0000", "f");
    expect(found(DONE, EVENTS.toSpliced(3, 0, again))).toEqual(["doubled: funded f 10.0000", "out of order"]);
  });

  test("another amount is both", () => {
    const events = changed(EVENTS, 4, { amount: "5.0000", balance_after: "5.0000" });
    expect(found(DONE, events)).toEqual(["lost: received t 4.0000", "doubled: received t 5.0000"]);
  });

  test("a balance that does not follow from the one before, and a version that is missing, break the chain", () => {
    expect(found(DONE, changed(EVENTS, 4, { balance_after: "4.0001" }))).toEqual(["broken chain"]);
    expect(found(DONE, changed(EVENTS, 4, { version: 3 }))).toEqual(["broken chain"]);
  });

  test("an answer with another balance or state than the wallet then had", () => {
    const otherBalance = changed(DONE, 2, { answer: { ...FUNDED, balance_after: "11.0000" } });
    expect(found(otherBalance, EVENTS)).toEqual(["answered otherwise"]);
    const otherState = changed(DONE, 1, { answer: { ...opened(B), status: "FROZEN" } });
    expect(found(otherState, EVENTS)).toEqual(["answered otherwise"]);
  });

  test("what was answered before another was asked for has the lower version", () => {
    expect(found(changed(DONE, 3, { sent_at: 5, answered_at: 12 }), EVENTS)).toEqual(["out of order"]);
    // Sent before the other was answered: either may be first.
    expect(found(changed(DONE, 3, { sent_at: 5, answered_at: 22 }), EVENTS)).toEqual([]);
  });

  test("an unfinished saga", () => {
    const { others } = findingsOf(DONE, EVENTS, [{ id: "s", status: "INITIATED", amount: "1.0000" }]);
    expect(others["unfinished saga"]).toEqual(["s"]);
  });

  test("a repetition, although nothing is said to have happened before", () => {
    expect(falseRepetitions(changed(DONE, 2, { replayed: true }))).toHaveLength(1);
    expect(falseRepetitions(changed(DONE, 2, { replayed: true, unknown: true }))).toEqual([]);
  });
});
