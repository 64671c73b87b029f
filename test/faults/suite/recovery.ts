/** How long the system takes to get over a fault, measured from outside while clients go on. */
import postgres from "postgres";
import { withDeadline } from "../../../shared/deadline.ts";
import type { Load } from "./load.ts";

/** Milliseconds from the end of the fault. */
export interface Recovery {
  /** Until a request that was sent after it is answered 2xx. */
  readonly wallet_ms: number;
  /** Until the history stores a new event. */
  readonly history_ms: number;
  /** Until all that was committed by the end of the fault is in the history. */
  readonly caught_up_ms: number;
}

const LOOK_MS = 50;

export async function measureRecovery(url: string, load: Load, within_ms: number): Promise<Recovery> {
  const from = performance.now();
  const [wallet_ms, history] = await withDeadline(
    Promise.all([load.successAfter(from), historyRecovery(url, from, from + within_ms)]),
    within_ms,
    "the recovery from the fault",
  );
  return { wallet_ms, ...history };
}

async function historyRecovery(url: string, from: number, deadline: number): Promise<Omit<Recovery, "wallet_ms">> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 2 });
  const look = async (holds: () => Promise<boolean>): Promise<number> => {
    while (performance.now() < deadline) {
      if (await holds().catch(() => false)) break;
      await Bun.sleep(LOOK_MS);
    }
    return performance.now() - from;
  };
  try {
    let before: { wallets: string; stored: string } | undefined;
    await look(async () => {
      before ??= await state(sql);
      return true;
    });
    const { wallets = "[]", stored = "0" } = before ?? {};
    const history_ms = await look(async () => BigInt((await state(sql)).stored) > BigInt(stored));
    return { history_ms, caught_up_ms: await look(async () => (await missing(sql, wallets)) === 0) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The versions of all wallets, and how many events are stored. */
async function state(sql: postgres.Sql): Promise<{ wallets: string; stored: string }> {
  const [row] = await sql<{ wallets: string; stored: string }[]>`
    select (select coalesce(json_agg(json_build_object('id', id, 'version', version)), '[]')::text from wallet.wallets) as wallets,
           (select coalesce(sum(last_position), 0)::text from history.stream_positions) as stored`;
  return row ?? { wallets: "[]", stored: "0" };
}

/** Of these versions, how many the history does not have. */
async function missing(sql: postgres.Sql, wallets: string): Promise<number> {
  const [row] = await sql<{ missing: number }[]>`
    select count(*)::int as missing
      from json_to_recordset(${wallets}::text::json) as wallet (id uuid, version bigint)
     where not exists (select from history.transaction_events event
                        where event.wallet_id = wallet.id and event.wallet_version = wallet.version)`;
  return row?.missing ?? 1;
}
