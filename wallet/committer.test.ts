import { describe, expect, test } from "bun:test";
import { createLog } from "../shared/log.ts";
import { until } from "../test/until.ts";
import {
  BATCH_OPERATIONS,
  createCommitter,
  LATE_MS,
  QUEUE_DEADLINE_MS,
  QUEUE_OPERATIONS,
  QUEUE_PATIENCE_MS,
} from "./committer.ts";
import type { Answered, Operation, Outcome } from "./operation.ts";
import { fund, settle } from "./testing.ts";

/** The queue before the database; the calls end when the test says so, and answer each operation with its amount. */

const log = createLog({ service: "test", level: "silent", pretty: false });
const DONE: Answered = { status: 201, code: null, response: null, replayed: false };

function controlled() {
  let now_ms = 0;
  let commits = 0;
  const calls: {
    readonly operations: readonly Operation[];
    readonly end: () => void;
    readonly fail: (code: string) => void;
  }[] = [];
  const committer = createCommitter({
    call(operations) {
      const { promise, resolve, reject } = Promise.withResolvers<Answered[]>();
      calls.push({
        operations,
        end: () => resolve(operations.map((operation) => ({ ...DONE, response: amountOf(operation) }))),
        fail: (code) => reject(Object.assign(new Error("a call failed"), { code })),
      });
      return promise;
    },
    log,
    now: () => now_ms,
    onCommit: () => {
      commits += 1;
    },
  });
  return {
    committer,
    calls,
    commits: () => commits,
    pass: (ms: number) => {
      now_ms += ms;
    },
    /** Submits one operation for each number, which is its amount. */
    submit: (...amounts: number[]) => amounts.map((amount) => committer.submit(fund("wallet", String(amount)))),
    sizes: () => calls.map(({ operations }) => operations.length),
    /** Ends calls as they come until the committer has nothing left. */
    async endAll(): Promise<void> {
      for (let n = 0; n < calls.length; n += 1) {
        calls[n]?.end();
        await Bun.sleep(0);
      }
    },
  };
}

/** One in the first call, and a full list beside it: from then on everything queues. */
const IN_FLIGHT = 1 + BATCH_OPERATIONS;
const amountOf = (operation: Operation) => ("amount" in operation ? operation.amount : "settled");
const answersOf = async (outcomes: Promise<Outcome>[]) =>
  (await Promise.all(outcomes)).map((outcome) => outcome.failure ?? outcome.response);
const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, n) => from + n);

describe("operations share calls only when there is something to share", () => {
  test("an idle server commits one operation at once", async () => {
    const { submit, sizes, endAll, committer } = controlled();
    const outcomes = submit(1);
    expect(sizes()).toEqual([1]);
    expect(committer.queued()).toBe(0);
    await endAll();
    expect(await answersOf(outcomes)).toEqual(["1"]);
  });

  test("while a call is in flight the rest queues, and the next call takes all of it", async () => {
    const { submit, sizes, endAll, committer, commits } = controlled();
    const outcomes = submit(...numbers(300));
    expect(sizes()).toEqual([1]);
    expect(committer.queued()).toBe(299);
    await endAll();
    expect(sizes()).toEqual([1, 299]);
    expect(commits()).toBe(2);
    expect(await answersOf(outcomes)).toEqual(numbers(300).map(String));
  });

  test("no call takes more than its bound, and no more calls fly than theirs", async () => {
    const { submit, sizes, endAll, calls } = controlled();
    const outcomes = submit(...numbers(3 * BATCH_OPERATIONS + 12));
    expect(sizes()).toEqual([1, BATCH_OPERATIONS]);
    calls[0]?.end();
    calls[1]?.end();
    await Bun.sleep(0);
    expect(sizes()).toEqual([1, BATCH_OPERATIONS, BATCH_OPERATIONS, BATCH_OPERATIONS]);
    await endAll();
    expect(sizes()).toEqual([1, BATCH_OPERATIONS, BATCH_OPERATIONS, BATCH_OPERATIONS, 11]);
    expect(await answersOf(outcomes)).toEqual(numbers(3 * BATCH_OPERATIONS + 12).map(String));
  });

  test("one that is late no longer holds up the rest, whether more comes or not", async () => {
    const { submit, sizes, pass, endAll } = controlled();
    const outcomes = submit(1, 2, 3);
    await Bun.sleep(LATE_MS * 2);
    expect(sizes()).toEqual([1]);
    pass(LATE_MS);
    await until(() => sizes().length === 2);
    expect(sizes()).toEqual([1, 2]);
    await endAll();
    expect(await answersOf(outcomes)).toEqual(["1", "2", "3"]);
  });

  test("operations are sent in the order in which they came", async () => {
    const { submit, calls, endAll } = controlled();
    const outcomes = submit(...numbers(1_200));
    await endAll();
    await Promise.all(outcomes);
    expect(calls.flatMap(({ operations }) => operations.map(amountOf))).toEqual(numbers(1_200).map(String));
  });

  test("what the ledger has decided goes first", async () => {
    const { submit, calls, committer, endAll } = controlled();
    const outcomes = [...submit(1, 2, 3), committer.settle(settle("saga"))];
    await endAll();
    expect(calls.at(-1)?.operations.map(amountOf)).toEqual(["settled", "2", "3"]);
    await Promise.all(outcomes);
  });
});

describe("a queue never grows without end", () => {
  test("beyond its bound an operation is refused at once, as one that did not happen", async () => {
    const { submit, calls, committer, endAll } = controlled();
    const outcomes = submit(...numbers(IN_FLIGHT + QUEUE_OPERATIONS));
    expect(committer.queued()).toBe(QUEUE_OPERATIONS);
    expect(committer.isFull()).toBe(true);
    expect(await answersOf(submit(999_999))).toEqual(["overloaded"]);
    await endAll();
    expect(committer.isFull()).toBe(false);
    expect(await answersOf(outcomes)).not.toContain("overloaded");
    expect(calls.flatMap(({ operations }) => operations.map(amountOf))).not.toContain("999999");
    const after = submit(1);
    calls.at(-1)?.end();
    expect(await answersOf(after)).toEqual(["1"]);
  });

  test("who comes when the queue has not moved for long is refused at once, unless the next call takes all of it", async () => {
    const { submit, committer, pass, endAll } = controlled();
    const sent = submit(...numbers(IN_FLIGHT));
    const queued = submit(...numbers(BATCH_OPERATIONS - 1));
    pass(QUEUE_PATIENCE_MS + 1);
    expect([committer.isFull(), committer.wasFullWithin(1_000)]).toEqual([false, false]);
    const last = submit(BATCH_OPERATIONS);
    expect([committer.isFull(), committer.wasFullWithin(1_000)]).toEqual([true, true]);
    pass(1_000);
    expect(committer.wasFullWithin(1_000)).toBe(false);
    expect(await answersOf(submit(999_999))).toEqual(["overloaded"]);
    await endAll();
    expect(await answersOf([...sent, ...queued, ...last])).not.toContain("overloaded");
  });

  test("an operation that has waited too long is refused before it is sent", async () => {
    const { submit, calls, pass, sizes, endAll } = controlled();
    const sent = submit(...numbers(IN_FLIGHT));
    const late = submit(3, 4);
    pass(QUEUE_DEADLINE_MS - 1);
    const inTime = submit(5);
    pass(1);
    await endAll();
    expect(await answersOf(late)).toEqual(["overloaded", "overloaded"]);
    expect(await answersOf(inTime)).toEqual(["5"]);
    expect(await answersOf(sent)).not.toContain("overloaded");
    expect(sizes()).toEqual([1, BATCH_OPERATIONS, 1]);
    expect(calls.at(-1)?.operations.map(amountOf)).toEqual(["5"]);
  });
});

describe("a committer that is stopped answers all that it has taken", () => {
  test("it ends when the queue is empty, and takes no more", async () => {
    const { submit, committer, endAll, sizes } = controlled();
    const taken = submit(...numbers(10));
    let ended = false;
    const stopped = committer.stop().then(() => {
      ended = true;
    });
    expect(await answersOf(submit(11))).toEqual(["overloaded"]);
    expect(ended).toBe(false);
    await endAll();
    await stopped;
    expect(await answersOf(taken)).toEqual(numbers(10).map(String));
    expect(sizes()).toEqual([1, 9]);
  });

  test("an idle one ends at once, also when it is told twice", async () => {
    const { committer } = controlled();
    await Promise.all([committer.stop(), committer.stop()]);
  });

  test("whoever asks it to stop is told, each of them", async () => {
    const { submit, committer, endAll } = controlled();
    const taken = submit(1);
    const stops = [committer.stop(), committer.stop()];
    await endAll();
    await Promise.all([...stops, ...taken]);
  });
});

describe("an answer is of a call that has ended", () => {
  test("nobody is told anything before the call has ended", async () => {
    const { submit, calls } = controlled();
    const told: Outcome[] = [];
    const outcomes = submit(...numbers(IN_FLIGHT)).map((outcome) => outcome.then((each) => told.push(each)));
    await Bun.sleep(0);
    expect(told).toEqual([]);
    calls[1]?.end();
    await Bun.sleep(0);
    expect(told).toHaveLength(BATCH_OPERATIONS);
    expect(told).not.toContainEqual(expect.objectContaining({ response: "1" }));
    calls[0]?.end();
    await Promise.all(outcomes);
    expect(told.at(-1)).toMatchObject({ response: "1" });
  });
});

describe("a call that fails ends the work of nobody else", () => {
  test("its operations are told, and the next call comes", async () => {
    const { submit, calls, endAll } = controlled();
    const bad = submit(1);
    const good = submit(2, 3);
    calls[0]?.fail("22023");
    expect(await answersOf(bad)).toEqual(["internal_error"]);
    await endAll();
    expect(await answersOf(good)).toEqual(["2", "3"]);
  });
});
