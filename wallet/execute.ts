import type { Logger } from "pino";
import type { Admission } from "../shared/admission.ts";
import type { Sql } from "../shared/database.ts";
import { withDeadline } from "../shared/deadline.ts";
import { problemHead } from "../shared/http/problems.ts";
import { NO_TLS } from "../shared/secure-socket.ts";
import { type Answered, type Failure, type Operation, type Outcome, REFUSALS } from "./operation.ts";

/**
 * One call of the SQL function for a list of operations, and what is done when the call fails.
 *
 * A repetition is always **the same list, with the same ids and keys**: whichever run commits first makes the other one
 * replay its answers, so that a reply that was lost on its way costs nothing but time.
 */

/** How long after its first failure a list is tried again before its operations are answered with what is known of them. */
export const RESOLVE_WITHIN_MS = 5_000;
/** Longer than the server's own statement_timeout: a call that takes longer is one whose connection is dead. */
export const CALL_DEADLINE_MS = 6_000;
/** Other servers winning keys, or deadlocks over them: each repetition meets fewer of them. */
const CONFLICT_REPETITIONS = 3;
/** Between attempts: short enough to be quick after a restart, long enough not to storm a server that comes up. */
const RETRY_PAUSE_MS = 50;

/** Calls the database once. @throws what postgres.js throws. */
export type Call = (operations: readonly Operation[]) => Promise<Answered[]>;

const PROBLEM_HEADS = JSON.stringify(Object.fromEntries(REFUSALS.map((code) => [code, problemHead(code)])));

/** The call itself: one statement, so one implicit transaction that no paused client can hold open. */
export function callWith(sql: Sql): Call {
  return (operations) =>
    sql<Answered[]>`
      select status, code, response, replayed
        from wallet.apply_operations(${JSON.stringify(operations)}::text::json, ${PROBLEM_HEADS}::text::json)`;
}

/** Calls nothing until the database may be used; until then it is as if it were not there. */
export function admittedCall(admission: Pick<Admission, "admitted">, call: Call): Call {
  return (operations) => {
    if (admission.admitted()) return call(operations);
    return Promise.reject(Object.assign(new Error("the database has not been admitted yet"), { code: NOT_ADMITTED }));
  };
}

/** What an error of a call says about the list. */
type Verdict =
  /** Another server was first with a key, or a deadlock, or an earlier attempt: nothing happened, and the same list will succeed. */
  | "conflict"
  /** The server is going away, full or unreachable, or the reply was lost: worth another attempt. */
  | "transient"
  /** A lock was not given in time: nothing happened. */
  | "blocked"
  /** The list holds an operation that the database cannot take: a bug. */
  | "definite";

interface Diagnosis {
  readonly verdict: Verdict;
  /** Whether the list may have been committed all the same. */
  readonly unknown: boolean;
  /** What the operations are told if nothing better comes of it. */
  readonly failure: Failure;
}

export interface ExecuteOptions {
  readonly call: Call;
  readonly log: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Outcomes of the operations, in their order. Never throws. */
export async function execute(operations: readonly Operation[], options: ExecuteOptions): Promise<Outcome[]> {
  return resolve(operations, options, { until: undefined, unknown: false });
}

interface Progress {
  /** When, on the clock, to stop trying; undefined while nothing has failed yet. */
  readonly until: number | undefined;
  /** Whether an earlier attempt with these operations may still commit. */
  readonly unknown: boolean;
}

async function resolve(
  operations: readonly Operation[],
  options: ExecuteOptions,
  progress: Progress,
): Promise<Outcome[]> {
  let conflicts = 0;
  let { until, unknown } = progress;
  for (;;) {
    try {
      const answers = await withDeadline(options.call(operations), CALL_DEADLINE_MS, "a call of the committer");
      ensureOneForEach(operations, answers);
      return unknown ? answers.map((each, index) => asFirst(each, operations[index])) : answers;
    } catch (error) {
      const found = diagnose(error);
      unknown ||= found.unknown;
      options.log.warn(
        { error: describe(error), operations: operations.length, verdict: found.verdict },
        "a call of the database failed",
      );
      until ??= options.now() + RESOLVE_WITHIN_MS;
      const inTime = options.now() < until;
      if (found.verdict === "conflict" && ++conflicts <= CONFLICT_REPETITIONS && inTime) continue;
      // A lock that is not given may be held by an earlier attempt: once that has ended, its answers are repeated.
      if ((found.verdict === "transient" || (found.verdict === "blocked" && unknown)) && inTime) {
        await Bun.sleep(RETRY_PAUSE_MS);
        continue;
      }
      if (operations.length > 1 && inTime && found.verdict !== "transient")
        return halves(operations, options, { until, unknown });
      if (found.failure === "internal_error")
        options.log.error({ error: describe(error), operation: named(operations) }, "an operation cannot be applied");
      const failure = unknown ? "outcome_unknown" : found.failure;
      return operations.map(() => ({ failure }));
    }
  }
}

/**
 * Answers belong to operations by their place, so a reply with another number of them is as good as lost: a driver that
 * mixes up rows (porsager/postgres issue 1181, patched here) must not give one client the answer of another.
 *
 * @throws Error without a code, which stands for an unknown outcome
 */
function ensureOneForEach(operations: readonly Operation[], answers: readonly (Answered | undefined)[]): void {
  if (answers.length !== operations.length || answers.includes(undefined))
    throw new Error(`a reply of ${answers.length} answers to ${operations.length} operations`);
}

/** An answer that a lost reply of ours had carried is no replay to the client, who hears it for the first time. */
function asFirst(answered: Answered, operation: Operation | undefined): Answered {
  const { response } = answered;
  if (operation === undefined || response === null || !answered.replayed) return answered;
  const own = [
    "id" in operation ? operation.id : undefined,
    "request_id" in operation ? operation.request_id : undefined,
  ];
  return own.some((id) => id !== undefined && response.includes(`"${id}"`))
    ? { ...answered, replayed: false }
    : answered;
}

/** First the front half, then the rest, so that operations on one wallet keep their order. */
async function halves(
  operations: readonly Operation[],
  options: ExecuteOptions,
  progress: Progress,
): Promise<Outcome[]> {
  const middle = Math.ceil(operations.length / 2);
  const front = await resolve(operations.slice(0, middle), options, progress);
  return [...front, ...(await resolve(operations.slice(middle), options, progress))];
}

/** SQLSTATEs after which the same list may succeed: 08 connection, 25006 a standby, 40 rollback, 53 resources, 57P operator, 58 system. */
const TRANSIENT = /^(08|25006|40|53|57P|58)/;
const NOT_ADMITTED = "NOT_ADMITTED";
/** Without a connection nothing was sent; 57P03 is the word of a server that is starting or stopping and takes none. */
const NOT_SENT = new Set([
  NOT_ADMITTED,
  NO_TLS,
  "57P03",
  "ECONNREFUSED",
  "ENOENT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "CONNECT_TIMEOUT",
  // Of patches/postgres@3.4.9.patch: the connection was closed before it was open.
  "CONNECT_CLOSED",
]);
/** A SQLSTATE (PostgreSQL appendix A): what the server itself said, before it committed. */
const SQLSTATE = /^[0-9A-Z]{5}$/;

function diagnose(error: unknown): Diagnosis {
  const { code, constraint, where } = fieldsOf(error);
  if (code === "23505" && constraint === "idempotency_keys_pkey") return definite("conflict", "unavailable");
  // Ids are fresh, so it is an earlier attempt with this very list that was first with a row of its own.
  if (code === "23505") return definite("conflict", "internal_error");
  if (code === "40P01" || code === "40001") return definite("conflict", "unavailable");
  if (code === "55P03" || code === "57014") {
    // Where two transactions insert the same key, the second waits at the index.
    const onKey = where.includes('"idempotency_keys_pkey"');
    return definite("blocked", onKey ? "idempotency_in_progress" : "unavailable");
  }
  if (NOT_SENT.has(code)) return definite("transient", "unavailable");
  // A server that shuts down says so before it commits or not at all; to be sure, it is taken for a lost reply.
  if (code.startsWith("57P") || code.startsWith("08"))
    return { verdict: "transient", unknown: true, failure: "unavailable" };
  if (TRANSIENT.test(code)) return definite("transient", "unavailable");
  if (SQLSTATE.test(code)) return definite("definite", "internal_error");
  return { verdict: "transient", unknown: true, failure: "outcome_unknown" };
}

function definite(verdict: Verdict, failure: Failure): Diagnosis {
  return { verdict, unknown: false, failure };
}

function fieldsOf(error: unknown): { code: string; constraint: string; where: string } {
  const fields: Record<string, unknown> = typeof error === "object" && error !== null ? { ...error } : {};
  return { code: textOf(fields.code), constraint: textOf(fields.constraint_name), where: textOf(fields.where) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** For the log: never the parameters, which hold amounts and users' data. */
function describe(error: unknown): { code: string; message: string } {
  return { code: fieldsOf(error).code, message: error instanceof Error ? error.message : String(error) };
}

function named(operations: readonly Operation[]): string[] {
  return operations.map((operation) => `${operation.kind} ${"id" in operation ? operation.id : operation.wallet_id}`);
}
