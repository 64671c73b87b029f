/** Wallets to measure with: opened and funded by the system's own SQL function, in full lists. */
import { connectFunctions } from "../shared/database.ts";
import { uuidv7 } from "../shared/ids.ts";
import { BATCH_OPERATIONS } from "../wallet/committer.ts";
import { type Call, callWith } from "../wallet/execute.ts";
import type { Attempt, Operation } from "../wallet/operation.ts";

/** More than all transfers of a measurement can move. */
const FUNDED = "1000000000.0000";
const USER = "bench";
/** One for each core: the lists share no wallet, so they do not wait for each other. */
const SESSIONS = 2;
/** On a busy machine a full list takes its time, and nobody waits for the answer. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** Opens and funds so many wallets; gives their ids. @param tell called with the number that are ready */
export async function openWallets(url: string, count: number, tell: (ready: number) => void): Promise<string[]> {
  const options = {
    service: "wallet",
    purpose: "bench",
    max: SESSIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  } as const;
  const sql = connectFunctions(url, options);
  try {
    const ids = Array.from({ length: count }, () => uuidv7());
    let [taken, ready] = [0, 0];
    const work = async (): Promise<void> => {
      while (taken < count) {
        const list = ids.slice(taken, taken + BATCH_OPERATIONS);
        taken += list.length;
        await openAndFund(callWith(sql), list);
        ready += list.length;
        tell(ready);
      }
    };
    await Promise.all(Array.from({ length: SESSIONS }, work));
    return ids;
  } finally {
    await sql.end();
  }
}

async function openAndFund(call: Call, ids: readonly string[]): Promise<void> {
  await apply(
    call,
    ids.map((id) => ({ kind: "CREATE", id, user_id: USER, currency: "USD", ...attempt() })),
  );
  await apply(
    call,
    ids.map((id) => ({ kind: "FUND", id: uuidv7(), wallet_id: id, amount: FUNDED, ...attempt() })),
  );
}

export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** So many pairs among the wallets, each of which pays as often as any other. */
export function pairsAmong(wallets: readonly string[], count: number): Pair[] {
  const at = (index: number): string => wallets[index % wallets.length] ?? "";
  return Array.from({ length: count }, (_, index) => ({ from: at(index), to: at(index + 1) }));
}

/** So many pairs in which the others pay the first wallet. */
export function pairsIntoFirst([first = "", ...others]: readonly string[], count: number): Pair[] {
  return Array.from({ length: count }, (_, index) => ({ from: others[index % others.length] ?? "", to: first }));
}

/** One list of transfers, past HTTP. */
export async function applyTransfers(call: Call, pairs: readonly Pair[]): Promise<void> {
  const list = pairs.map(({ from, to }): Operation => {
    const ids = { id: uuidv7(), in_line_id: uuidv7() };
    return { kind: "TRANSFER", ...ids, wallet_id: from, to_wallet_id: to, amount: "0.0100", ...attempt() };
  });
  await apply(call, list);
}

async function apply(call: Call, operations: readonly Operation[]): Promise<void> {
  const refused = (await call(operations)).find(({ status }) => status >= 300);
  if (refused !== undefined) throw new Error(`an operation was refused: ${refused.code} ${refused.response}`);
}

function attempt(): Attempt {
  const key = crypto.randomUUID();
  return { key, fingerprint: FINGERPRINT, instance: "/bench", request_id: key };
}

/** Nobody repeats these requests, so any fingerprint will do. */
const FINGERPRINT = "00".repeat(32);
