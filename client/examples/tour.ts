/** `bun client/examples/tour.ts [wallet's address] [history's address]`: all examples, one after the other, against a running system. */
import { historyClient, walletClient } from "../index.ts";
import { followAWallet } from "./follow-a-wallet.ts";
import { openAndFund } from "./open-and-fund.ts";
import { payAnOrder } from "./pay-an-order.ts";
import { sagaToItsEnd } from "./saga-to-its-end.ts";
import { statement } from "./statement.ts";

const [, , walletUrl = "http://localhost:3000", historyUrl = "http://localhost:3001"] = process.argv;
const { API_KEY: apiKey } = process.env;
const key = apiKey === undefined ? {} : { apiKey };
const wallet = walletClient({ url: walletUrl, ...key });
const history = historyClient({ url: historyUrl, ...key });

const buyer = await openAndFund(wallet, "erin", "100");
const seller = await openAndFund(wallet, "frank", "5.50");
console.log(`${buyer.user_id} has ${buyer.available}, ${seller.user_id} has ${seller.available}`);

const { promise: isConnected, resolve: connected } = Promise.withResolvers<void>();
const live = followAWallet(history, seller.version + 2, { wallet_id: seller.id, connected });
await isConnected;
const order = { id: crypto.randomUUID(), buyer_wallet_id: buyer.id, seller_wallet_id: seller.id, amount: "12.30" };
console.log(await payAnOrder(wallet, order));
console.log(await payAnOrder(wallet, order));
console.log(await payAnOrder(wallet, { ...order, id: crypto.randomUUID(), amount: "1000" }));

const saga = await sagaToItsEnd(wallet, {
  sender_wallet_id: buyer.id,
  receiver_wallet_id: seller.id,
  amount: "20",
  idempotency_key: crypto.randomUUID(),
});
console.log(`saga ${saga.id}: ${saga.status}`);

for (const { data } of await live) console.log("live", data.wallet_version, data.event_type, data.amount);
for (const { wallet_version, event_type, balance_after } of await statement(history, buyer.id, buyer.version + 2)) {
  console.log("history", wallet_version, event_type, balance_after);
}
