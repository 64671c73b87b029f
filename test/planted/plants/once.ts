import type { Plant } from "../plant.ts";

/** Bugs in what makes an operation happen once, and its caller hear what became of it. */

const FUNCTION = "sql/functions/wallet/apply_operations.sql";
const EXECUTE = "wallet/execute.ts";
const COMMITTER = "wallet/committer.ts";
const ONE_LIST = "wallet/one-list.test.ts";

const READ_KEYS = `  select array_agg(i.fingerprint order by slot), array_agg(i.status_code::integer order by slot), array_agg(i.response order by slot)
    into fingerprints, stored_statuses, stored_responses
    from unnest(keys) with ordinality wanted (key, slot)
    left join idempotency_keys i on i.key = wanted.key;

`;
const LOCKS = "  -- Step 1: the locks.";

export const ONCE: readonly Plant[] = [
  {
    name: "key-read-before-lock",
    breaks: "a key is looked up before its first use has committed: the repetition fails, or pays again",
    edits: [
      { file: FUNCTION, old: READ_KEYS, new: "" },
      { file: FUNCTION, old: LOCKS, new: `${READ_KEYS}${LOCKS}` },
    ],
    caught_by: [
      {
        file: "wallet/two-servers.test.ts",
        title: "the key is read after the lock: the second server repeats the answer of the first",
      },
    ],
  },
  {
    name: "refusal-burns-the-key",
    breaks: "an attempt that was not carried out keeps its key, and can never be made good",
    edits: [
      {
        file: FUNCTION,
        old: "if op.key is not null and (answer_status < 300 or answer_status = 422) then",
        new: "if op.key is not null then",
      },
    ],
    caught_by: [{ file: ONE_LIST, title: "after a 404 or 412, which are not kept, it is tried anew" }],
  },
  {
    name: "refusal-frees-the-key",
    breaks: "a late duplicate of a refused payment moves money once there are funds",
    edits: [
      {
        file: FUNCTION,
        old: "if op.key is not null and (answer_status < 300 or answer_status = 422) then",
        new: "if op.key is not null and answer_status < 300 then",
      },
    ],
    caught_by: [{ file: ONE_LIST, title: "a refusal is repeated likewise, and leaves one line" }],
  },
  {
    name: "request-not-compared",
    breaks: "another request under a used key is told that it happened",
    edits: [{ file: FUNCTION, old: "if fingerprints[k] = decode(op.fingerprint, 'hex') then", new: "if true then" }],
    caught_by: [{ file: ONE_LIST, title: "with another request it is refused" }],
  },
  {
    name: "fingerprint-without-body",
    breaks: "a key is good for any amount: the second request is told the first one's answer",
    edits: [{ file: "wallet/idempotency.ts", old: "canonical(body)}`", new: "canonical({})}`" }],
    caught_by: [{ file: "wallet/idempotency.test.ts", title: "different members make different fingerprints" }],
  },
  {
    name: "keys-die-young",
    breaks: "a client that comes again within a day pays twice",
    edits: [
      {
        file: "sql/functions/wallet/remove_expired_keys.sql",
        old: "interval '25 hours'\n",
        new: "interval '24 hours'\n",
      },
    ],
    caught_by: [{ file: "wallet/expiry.test.ts", title: "25 hours, whether the client named it or not" }],
  },
  {
    name: "answer-before-commit",
    breaks: "a client hears that it was paid, and then the database is lost",
    edits: [
      {
        file: COMMITTER,
        old: "const outcomes = await execute(operations, options);",
        new: `const told: Outcome = { status: 201, code: null, response: null, replayed: false };
    const outcomes = await Promise.race([execute(operations, options), Promise.resolve(operations.map(() => told))]);`,
      },
    ],
    caught_by: [{ file: "wallet/committer.test.ts", title: "nobody is told anything before the call has ended" }],
  },
  {
    name: "answer-to-another-caller",
    breaks: "of two clients whose payments shared a commit, each hears what became of the other's",
    edits: [
      {
        file: COMMITTER,
        old: "waiting.resolve(outcomes[index] ??",
        new: "waiting.resolve(outcomes[live.length - 1 - index] ??",
      },
    ],
    caught_by: [
      {
        file: "wallet/committer.test.ts",
        title: "while a call is in flight the rest queues, and the next call takes all of it",
      },
    ],
  },
  {
    name: "unknown-told-as-failure",
    breaks: "a client hears that nothing happened, and pays again, although it had",
    edits: [
      {
        file: EXECUTE,
        old: `const failure = unknown ? "outcome_unknown" : found.failure;`,
        new: "const failure = found.failure;",
      },
    ],
    caught_by: [
      {
        file: "test/faults/lost-replies.test.ts",
        title: "the reply was lost, and the database stays away: the outcome is unknown",
      },
    ],
  },
  {
    name: "again-under-another-key",
    breaks: "a list whose reply was lost is sent again as a new attempt, and paid twice",
    edits: [
      {
        file: EXECUTE,
        old: "        await Bun.sleep(RETRY_PAUSE_MS);\n        continue;",
        new: `        await Bun.sleep(RETRY_PAUSE_MS);
        const renamed = { key: crypto.randomUUID(), id: crypto.randomUUID(), in_line_id: crypto.randomUUID() };
        return resolve(operations.map((each) => ({ ...each, ...renamed }) as Operation), options, { until, unknown });`,
      },
    ],
    caught_by: [
      {
        file: "test/faults/lost-replies.test.ts",
        title: "whichever commits first, the other repeats its answer",
      },
    ],
  },
  {
    name: "lost-reply-taken-for-not-sent",
    breaks: "a connection that breaks after the commit counts as one that never sent anything",
    edits: [
      {
        file: EXECUTE,
        old: `return { verdict: "transient", unknown: true, failure: "outcome_unknown" };`,
        new: `return { verdict: "transient", unknown: false, failure: "unavailable" };`,
      },
    ],
    caught_by: [
      {
        file: "test/faults/lost-replies.test.ts",
        title: "the reply was lost, and the database stays away: the outcome is unknown",
      },
    ],
  },
  {
    name: "answers-not-counted",
    breaks: "a driver that mixes up the rows of two replies gives one client the answer of another",
    edits: [{ file: EXECUTE, old: "      ensureOneForEach(operations, answers);\n", new: "" }],
    caught_by: [
      {
        file: "wallet/execute.test.ts",
        title: "and one that stays so is an unknown outcome, never another operation's answer",
      },
    ],
  },
];
