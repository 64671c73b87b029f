import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ReceivedMessage } from "../../shared/consumer.ts";
import type { WalletEvent } from "../../shared/events.ts";
import { createDatabase, type TestDatabase } from "../../test/cluster.ts";
import { tellWallet } from "../testing.ts";
import { createStore } from "./store.ts";
import { openTables, type Tables } from "./tables.ts";

let database: TestDatabase;
let tables: Tables;

beforeAll(async () => {
  database = await createDatabase("rebuild store");
  tables = await openTables(database.url);
});
afterAll(async () => {
  await tables?.close();
  await database?.drop();
});

let offset = 0;
const messageOf = (event: WalletEvent, partition: number): ReceivedMessage => ({
  topic: "wallet-events",
  partition,
  offset: String(offset++),
  key: null,
  value: Buffer.from(JSON.stringify(event)),
  headers: {},
  timestamp_ms: 0,
});

test("a payment of money that came by a partition which is behind waits for it, and no balance is ever negative", async () => {
  const store = createStore(tables.sql);
  const [sender, receiver] = [tellWallet("ann"), tellWallet("bob")];
  const saga = [sender.created(), sender.funded(), sender.reserved(receiver.wallet_id, "1.0000")];
  const spent = [
    receiver.created(),
    receiver.event("WALLET_WITHDRAWN", { transaction_id: crypto.randomUUID(), amount: "1.0000", posting: "OWN" }),
    receiver.funded(),
  ];
  await store.takeEvents(spent.map((event) => messageOf(event, 1)));
  expect(store.withheld.map(({ event }) => event.wallet_version)).toEqual([2]);
  await store.takeEvents(saga.map((event) => messageOf(event, 0)));
  await store.retryWithheld();
  expect(store.withheld).toHaveLength(2);

  const [reservation] = saga.slice(-1);
  const decision = {
    id: crypto.randomUUID(),
    type: "LEDGER_SUCCESS",
    transaction_id: reservation?.transaction_id,
    wallet_id: sender.wallet_id,
    receiver_wallet_id: receiver.wallet_id,
    amount: "1.0000",
    currency: "USD",
    reason: null,
    occurred_at: "2026-01-31T12:00:09.000000Z",
  };
  const said = { ...messageOf(saga[0]!, 0), topic: "ledger-events", value: Buffer.from(JSON.stringify(decision)) };
  await store.takeDecisions([said, { ...said, offset: "900" }]);
  await store.retryWithheld();

  expect(store.withheld).toEqual([]);
  expect(store.figures).toMatchObject({ dead_letters: 0, decisions: 2 });
  const accounts = await tables.sql`
    select id, balance, applied_version::int as version from ledger_accounts where kind = 'wallet' order by id`;
  expect([...accounts]).toEqual([
    { id: sender.wallet_id, balance: "0.0000", version: 3 },
    { id: receiver.wallet_id, balance: "1.0000", version: 3 },
  ]);
  const entries = await tables.sql`select balance_after from ledger_entries where balance_after < 0`;
  expect(entries).toHaveLength(0);
  expect(await tables.sql`select from outbox`).toHaveLength(0);

  const contradiction = { ...decision, id: crypto.randomUUID(), type: "LEDGER_FAILED", reason: "account_frozen" };
  await store.takeDecisions([{ ...said, offset: "901", value: Buffer.from(JSON.stringify(contradiction)) }]);
  expect(await tables.deadLetters()).toMatchObject([{ offset: "901", topic: "ledger-events" }]);
});
