import { Problem } from "./http/problems.ts";

/** A read that has no answer by then never gets one: the server itself ends statements after 5 s, so the network is gone. */
export const READ_DEADLINE_MS = 6_000;

/** A SQLSTATE (PostgreSQL appendix A), as opposed to an error code of the network or of postgres.js. */
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** 08 connection, 40 rollback, 53 resources, 55 not available now, 57 operator (time-outs among them), 58 system. */
const PASSING = /^(08|40|53|55|57|58)/;

/**
 * Awaits a read. postgres.js waits for a free connection without end, hence the deadline.
 * @throws Problem 503 `unavailable` where the database cannot answer now; anything else is a defect and passes through.
 */
export async function read<T>(query: PromiseLike<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Problem("unavailable")), READ_DEADLINE_MS);
  try {
    return await Promise.race([query, late]);
  } catch (error) {
    throw isPassing(error) ? new Problem("unavailable") : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Drizzle wraps what the driver throws, which has the code. */
function isPassing(error: unknown): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (typeof cause !== "object" || cause === null || !("code" in cause) || typeof cause.code !== "string") return false;
  return !SQLSTATE.test(cause.code) || PASSING.test(cause.code);
}
