import { connectFunctions, type Sql } from "../shared/database.ts";
import { uuidv7 } from "../shared/ids.ts";
import { callWith } from "./execute.ts";
import type { Answered, Attempt, Operation, Settle } from "./operation.ts";

/** What tests of the write path share: operations with little to write, and calls straight of the function. */

export const HEX = "00".repeat(32);

/** An attempt with a key of its own, or the one that is given. */
export function attempt(key: string = uuidv7(), more: Partial<Attempt> = {}): Attempt {
  return { key, fingerprint: HEX, instance: "/test", request_id: "test", ...more };
}

export function create(id: string, more: Partial<Attempt> = {}, currency = "USD"): Operation {
  return { kind: "CREATE", id, user_id: "tester", currency, ...attempt(undefined, more) } as Operation;
}

export function fund(wallet_id: string, amount: string, more: Partial<Attempt> = {}): Operation {
  return { kind: "FUND", id: uuidv7(), wallet_id, amount, ...attempt(undefined, more) };
}

export function transfer(
  wallet_id: string,
  to_wallet_id: string,
  amount: string,
  more: Partial<Attempt> = {},
): Operation {
  const ids = { id: uuidv7(), in_line_id: uuidv7() };
  return { kind: "TRANSFER", ...ids, wallet_id, to_wallet_id, amount, ...attempt(undefined, more) };
}

export function withdraw(wallet_id: string, amount: string, more: Partial<Attempt> = {}): Operation {
  return { kind: "WITHDRAW", id: uuidv7(), wallet_id, amount, ...attempt(undefined, more) };
}

export function reserve(
  wallet_id: string,
  to_wallet_id: string,
  amount: string,
  more: Partial<Attempt> = {},
): Operation {
  const ids = { id: uuidv7(), out_line_id: uuidv7() };
  return { kind: "RESERVE", ...ids, wallet_id, to_wallet_id, amount, ...attempt(undefined, more) };
}

export function settle(saga: string): Settle {
  return { kind: "SETTLE", id: saga, out_line_id: uuidv7(), in_line_id: uuidv7() };
}

export function freeze(wallet_id: string, kind: "FREEZE" | "UNFREEZE" = "FREEZE"): Operation {
  return { kind, wallet_id, ...attempt() };
}

export interface Direct {
  readonly sql: Sql;
  apply(operations: readonly Operation[]): Promise<Answered[]>;
  /** New wallets with this balance each. */
  open(count: number, balance?: string): Promise<string[]>;
  end(): Promise<void>;
}

/** The function itself, on connections of its own. */
export function direct(url: string, max = 4, lockTimeoutMs?: number): Direct {
  const impatience = lockTimeoutMs === undefined ? {} : { lockTimeoutMs };
  const sql = connectFunctions(url, { service: "wallet", purpose: "test", max, ...impatience });
  const call = callWith(sql);
  // A query of postgres.js begins when it is awaited; a test may want it under way before.
  const apply = async (operations: readonly Operation[]): Promise<Answered[]> => call(operations);
  return {
    sql,
    apply,
    async open(count, balance) {
      const ids = Array.from({ length: count }, () => uuidv7() as string);
      await apply(ids.map((id) => create(id)));
      if (balance !== undefined) await apply(ids.map((id) => fund(id, balance)));
      return ids;
    },
    end: () => sql.end({ timeout: 5 }),
  };
}
