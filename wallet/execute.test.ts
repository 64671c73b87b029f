import { describe, expect, test } from "bun:test";
import { createLog } from "../shared/log.ts";
import { execute } from "./execute.ts";
import type { Answered } from "./operation.ts";
import { fund } from "./testing.ts";

/** What becomes of a list by what its calls say. Lost connections are in test/faults, the database's refusals in one-list.test.ts. */

const log = createLog({ service: "test", level: "silent", pretty: false });
const LIST = [fund("wallet", "1"), fund("wallet", "2"), fund("wallet", "3")];
const answered = (response: string): Answered => ({ status: 201, code: null, response, replayed: false });
const ALL = ["first", "second", "third"].map(answered);

describe("answers belong to operations by their place", () => {
  /** As a driver makes it that leaves the places of an earlier reply's rows free. */
  const placed = (answers: readonly Answered[], first: number) => {
    const rows: Answered[] = [];
    answers.forEach((answer, index) => {
      rows[index + first] = answer;
    });
    return rows;
  };

  test.each([
    ["too few", () => ALL.slice(1)],
    ["too many", () => placed(ALL, 2)],
    ["one that is missing", () => placed(ALL.slice(1), 1)],
    ["none", (): Answered[] => []],
  ])("so a reply with %s counts as lost: the list is sent again", async (_, broken) => {
    const replies = [broken(), ALL];
    const outcomes = await execute(LIST, { call: async () => replies.shift() ?? [], log, now: () => 0 });
    expect(outcomes).toEqual(ALL);
    expect(replies).toEqual([]);
  });

  test("and one that stays so is an unknown outcome, never another operation's answer", async () => {
    let now = 0;
    const call = async () => {
      now += 1_000;
      return placed(ALL, 2);
    };
    const outcomes = await execute(LIST, { call, log, now: () => now });
    expect(outcomes).toEqual(LIST.map(() => ({ failure: "outcome_unknown" })));
  });
});
