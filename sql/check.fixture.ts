import postgres from "postgres";
import { connectFunctions, type Sql } from "../shared/database.ts";
import { uuidv7 } from "../shared/ids.ts";
import { callWith } from "../wallet/execute.ts";
import type { Operation } from "../wallet/operation.ts";

/** A small story told to both databases without servers and broker, for tests of the checks. */

export interface Story {
  readonly alice: string;
  readonly bob: string;
  /** A transfer of 10 from Alice to Bob. */
  readonly transfer: string;
  /** A transfer that Bob's wallet had no money for. */
  readonly refused: string;
  /** Sagas from Alice to Bob of 5: one that waits, one that succeeded, one that the ledger refused. */
  readonly waiting: string;
  readonly settled: string;
  readonly released: string;
}

/** Opens two wallets and lets every kind of operation happen on them. */
export async function tell(url: string, historyUrl: string = url): Promise<Story> {
  const ids: string[] = Array.from({ length: 7 }, () => uuidv7());
  const [alice = "", bob = "", transfer = "", refused = "", waiting = "", settled = "", released = ""] = ids;
  const between = { wallet_id: alice, to_wallet_id: bob };
  const reserve = (id: string, amount = "5.0000") => ({
    kind: "RESERVE",
    id,
    out_line_id: uuidv7(),
    ...between,
    amount,
  });
  await apply(url, [
    { kind: "CREATE", id: alice, user_id: "alice", currency: "USD" },
    { kind: "CREATE", id: bob, user_id: "bob", currency: "USD" },
  ]);
  await apply(url, [
    { kind: "FUND", id: uuidv7(), wallet_id: alice, amount: "100.0000", description: "first", reference: "r-1" },
    { kind: "WITHDRAW", id: uuidv7(), wallet_id: alice, amount: "1.5000" },
    { kind: "TRANSFER", id: transfer, in_line_id: uuidv7(), ...between, amount: "10.0000" },
    { kind: "TRANSFER", id: refused, in_line_id: uuidv7(), wallet_id: bob, to_wallet_id: alice, amount: "999.0000" },
    reserve(waiting),
    reserve(settled),
    reserve(uuidv7(), "5000.0000"),
    { kind: "FREEZE", wallet_id: bob },
    { kind: "FUND", id: uuidv7(), wallet_id: bob, amount: "1.0000" },
    { kind: "UNFREEZE", wallet_id: bob },
  ]);
  await deliver(url, historyUrl);
  await asOwner(historyUrl, (history) => history`select history.freeze_account(${bob}, true)`);
  await apply(url, [reserve(released)]);
  await deliver(url, historyUrl);
  await asOwner(historyUrl, (history) => history`select history.freeze_account(${bob}, false)`);
  await apply(url, [
    { kind: "SETTLE", id: settled, out_line_id: uuidv7(), in_line_id: uuidv7() },
    { kind: "RELEASE", id: released, failure_code: "account_frozen" },
  ]);
  await deliver(url, historyUrl);
  return { alice, bob, transfer, refused, waiting, settled, released };
}

/** Applies the operations, each under a key of its own. */
export async function apply(url: string, operations: readonly Record<string, unknown>[]): Promise<void> {
  const sql = connectFunctions(url, { service: "wallet", purpose: "test", max: 1 });
  const attempts = operations.map((operation) => ({
    key: ["SETTLE", "RELEASE"].includes(String(operation.kind)) ? null : ` ${uuidv7()}`,
    fingerprint: "00".repeat(32),
    instance: "/test",
    request_id: "test",
    ...operation,
  }));
  try {
    await callWith(sql)(attempts as unknown as Operation[]);
  } finally {
    await sql.end();
  }
}

/**
 * What the relays, the broker and the consumer do together: all that waits in the outbox becomes history. What the ledger
 * decides is published, and the wallet service has yet to act on it.
 */
export async function deliver(url: string, historyUrl: string = url): Promise<void> {
  await asOwner(url, async (wallet) => {
    const [waiting] = await wallet<{ events: string; now: string }[]>`
      select coalesce(json_agg(o.payload order by o.id), '[]')::text as events, pg_current_snapshot()::text as now
      from wallet.outbox o, wallet.relay_state s
      where not pg_visible_in_snapshot(o.xid, s.last_snapshot)`;
    await asOwner(historyUrl, async (history) => {
      await history`select history.record_events(0, ${waiting?.events ?? "[]"}::text)`;
      await history`update history.relay_state set last_snapshot = pg_current_snapshot()`;
    });
    await wallet`update wallet.relay_state set last_snapshot = ${waiting?.now ?? ""}::text::pg_snapshot`;
  });
}

/** Runs with the owner's rights and without triggers and foreign keys, as no service can. */
export async function asOwner<T>(url: string, act: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connection: { session_replication_role: "replica" } });
  try {
    return await act(sql);
  } finally {
    await sql.end();
  }
}
