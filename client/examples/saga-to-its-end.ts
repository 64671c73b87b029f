import { orThrow, type Saga, type WalletClient } from "../index.ts";

export interface Rent {
  readonly sender_wallet_id: string;
  readonly receiver_wallet_id: string;
  readonly amount: string;
  /** Names the attempt; of a saga it is part of the body. */
  readonly idempotency_key: string;
}

const WAIT = { headers: { Prefer: "wait=10" } } as const;

/** Starts a transfer in which the ledger decides, and waits until it has: usually 20 ms, and as long as it takes. */
export async function sagaToItsEnd(wallet: WalletClient, rent: Rent): Promise<Saga> {
  let saga = await orThrow(wallet.transactions.post(rent, WAIT));
  while (saga.status === "INITIATED") {
    const found = await orThrow(wallet.transactions({ id: saga.id }).get(WAIT));
    // One address serves lines of wallets, too.
    if (found.type !== "SAGA") throw new Error(`${saga.id} is no saga`);
    saga = found;
  }
  return saga;
}
