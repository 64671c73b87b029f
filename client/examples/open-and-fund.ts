import { orThrow, type Wallet, type WalletClient } from "../index.ts";

/** Opens a wallet and puts money in. `orThrow` is for where a refusal has no answer of its own. */
export async function openAndFund(wallet: WalletClient, user_id: string, amount: string): Promise<Wallet> {
  const { id } = await orThrow(wallet.wallets.post({ user_id, currency: "USD" }));
  await orThrow(wallet.wallets({ id }).fund.post({ amount, description: "First deposit" }));
  return orThrow(wallet.wallets({ id }).get());
}
