import type { WalletClient } from "../index.ts";

export interface Order {
  readonly id: string;
  readonly buyer_wallet_id: string;
  readonly seller_wallet_id: string;
  readonly amount: string;
}

export type Payment =
  | { readonly paid: true; readonly transfer_id: string; readonly replayed: boolean }
  | { readonly paid: false; readonly because: "funds" | "frozen" };

/**
 * Pays an order once, however often this is called and whatever gets lost: the order names the attempt. Within one call the client repeats
 * the request by itself; a later call, by another process if need be, finds the same payment.
 */
export async function payAnOrder(wallet: WalletClient, order: Order): Promise<Payment> {
  const { data, error, response } = await wallet
    .wallets({ id: order.buyer_wallet_id })
    .transfer.post(
      { to_wallet_id: order.seller_wallet_id, amount: order.amount, reference: order.id },
      { headers: { "Idempotency-Key": `order-${order.id}` } },
    );
  if (error === null) {
    return { paid: true, transfer_id: data.id, replayed: response.headers.get("idempotency-replayed") === "true" };
  }
  const { code, request_id } = error.value;
  if (code === "insufficient_funds") return { paid: false, because: "funds" };
  if (code === "wallet_frozen") return { paid: false, because: "frozen" };
  throw new Error(`order ${order.id}: ${code} (request ${request_id})`);
}
