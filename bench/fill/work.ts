import type { Sql } from "../../shared/database.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { callWith } from "../../wallet/execute.ts";
import { fingerprint } from "../../wallet/idempotency.ts";
import type { Attempt, Operation } from "../../wallet/operation.ts";
import type { Decision } from "./delivery.ts";

/** The operations: wallets are opened, funded once, and then pay each other at random. */
export interface Work {
  /** Applies so many of the next operations at most. @returns how many it were, 0 when all are done */
  apply(most: number): Promise<number>;
  /** What the ledger has decided comes first in the next call of {@link apply}. */
  settle(decisions: readonly Decision[]): void;
  /** Transfers so far, those that wait for the ledger included. */
  begun(): number;
}

export interface WorkOptions {
  readonly wallet: Sql;
  readonly transfers: number;
  readonly wallets: number;
  /** How many of the transfers are sagas. */
  readonly sagas: number;
  readonly call_operations: number;
}

/** So much that no payment is refused for a lack of it. */
const FUNDS = "1000000.0000";
/** The highest payment, in units of the last decimal. */
const MOST_PAID = 100_000;

export function createWork({ wallet, transfers, wallets, sagas, call_operations }: WorkOptions): Work {
  const call = callWith(wallet);
  const ids = Array.from({ length: wallets }, () => uuidv7());
  const settlements: Operation[] = [];
  let made = 0;

  /** The operation of this number: all wallets are opened, then all are funded, then they pay. */
  const operationOf = (n: number): Operation => {
    const own = ids[n % wallets] ?? uuidv7();
    if (n < wallets) return { kind: "CREATE", id: own, user_id: `user ${n}`, currency: "USD", ...attempt("/wallets") };
    const id = uuidv7();
    if (n < 2 * wallets) {
      return { kind: "FUND", id, wallet_id: own, amount: FUNDS, ...attempt(`/wallets/${own}/fund`) };
    }
    return payment(id, n - 2 * wallets);
  };

  const payment = (id: string, n: number): Operation => {
    const sender = Math.floor(Math.random() * wallets);
    const receiver = (sender + 1 + Math.floor(Math.random() * (wallets - 1))) % wallets;
    const [wallet_id, to_wallet_id] = [ids[sender] ?? "", ids[receiver] ?? ""];
    const amount = (Math.ceil(Math.random() * MOST_PAID) / 10_000).toFixed(4);
    const movement = { id, wallet_id, to_wallet_id, amount };
    // Spread evenly over the transfers.
    const isSaga = Math.floor(((n + 1) * sagas) / transfers) > Math.floor((n * sagas) / transfers);
    return isSaga
      ? { kind: "RESERVE", ...movement, out_line_id: uuidv7(), ...attempt("/transactions") }
      : { kind: "TRANSFER", ...movement, in_line_id: uuidv7(), ...attempt(`/wallets/${wallet_id}/transfer`) };
  };

  const all = 2 * wallets + transfers;
  const next = (): Operation | undefined => {
    const settlement = settlements.pop();
    if (settlement !== undefined) return settlement;
    if (made === all) return undefined;
    made += 1;
    return operationOf(made - 1);
  };

  return {
    async apply(most) {
      let done = 0;
      while (done < most) {
        // A list does not see the wallets that it opens.
        const length = made < wallets ? Math.min(call_operations, wallets - made) : call_operations;
        const list = Array.from({ length }, next).filter((each) => each !== undefined);
        if (list.length === 0) break;
        const refused = (await call(list)).find(({ status }) => status >= 300);
        if (refused !== undefined) throw new Error(`an operation was refused: ${refused.status} ${refused.code}`);
        done += list.length;
      }
      return done;
    },
    settle(decisions) {
      for (const { saga: id, type, reason } of decisions) {
        settlements.push(
          type === "LEDGER_SUCCESS"
            ? { kind: "SETTLE", id, out_line_id: uuidv7(), in_line_id: uuidv7() }
            : { kind: "RELEASE", id, failure_code: reason ?? "refused" },
        );
      }
    },
    begun: () => Math.max(0, made - 2 * wallets),
  };
}

/** As of a client that names each attempt. */
function attempt(path: string): Attempt {
  const key = crypto.randomUUID();
  return { key, fingerprint: fingerprint("POST", path, { key }), instance: path, request_id: key };
}
