import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectFunctions, type Sql } from "../../shared/database.ts";
import { connectProducer, type Producer } from "../../shared/kafka.ts";
import { createLog } from "../../shared/log.ts";
import { until } from "../cluster.ts";
import {
  type Body,
  expectInvariants,
  get,
  LAYOUTS,
  type Layout,
  openFunded,
  post,
  type Reply,
  type RunningSystem,
  startSystem,
  stopAll,
} from "./system.ts";

let system: RunningSystem;
let walletOwner: Sql;
let historyOwner: Sql;
let producer: Producer;

const SEND_DEADLINE_MS = 10_000;
const LIMIT = "99999999999999.9999";

async function begin(layout: Layout): Promise<void> {
  system = await startSystem("saga", layout);
  const asOwner = { purpose: "test", max: 2, asOwner: true };
  walletOwner = connectFunctions(system.database.url, { service: "wallet", ...asOwner });
  historyOwner = connectFunctions(system.historyDatabase.url, { service: "history", ...asOwner });
  const log = createLog({ service: "test", level: "silent", pretty: false });
  const brokers = [system.env.KAFKA_BROKERS!];
  producer = await connectProducer({ brokers, ssl: false, sasl: null, clientId: "test", log }, SEND_DEADLINE_MS);
}

async function end(): Promise<void> {
  await producer?.close();
  await Promise.all([walletOwner?.end(), historyOwner?.end()]);
  await stopAll(system, system?.wallet, system?.history);
}

/** Starts a saga and waits for its end. */
async function startSaga(
  sender_wallet_id: string,
  receiver_wallet_id: string,
  amount: string,
  idempotency_key: string = crypto.randomUUID(),
): Promise<Reply> {
  const saga = { sender_wallet_id, receiver_wallet_id, amount, idempotency_key };
  return post(system.wallet, "/transactions", saga, { prefer: "wait=20" });
}

async function walletOf(id: string): Promise<Body> {
  return (await get(system.wallet, `/wallets/${id}`)).body;
}

async function accountOf(id: string): Promise<Body> {
  return (await get(system.history, `/ledger/accounts/${id}`)).body;
}

async function entriesOf(id: string): Promise<string[]> {
  const { body } = await get(system.history, `/ledger/transactions/${id}`);
  const entries = (body.entries ?? []) as Record<string, string>[];
  return entries.map(({ direction, account_id, amount }) => `${direction} ${account_id} ${amount}`);
}

const freezeAccount = (id: string, verb: "freeze" | "unfreeze" = "freeze") =>
  until(async () => (await post(system.history, `/ledger/accounts/${id}/${verb}`, {})).status === 200, {
    what: "the account is known",
  });

/** The decisions on a saga that have been written, each as its bytes. */
async function answersOn(saga: string): Promise<string[]> {
  const rows = await historyOwner`
    select payload::text as text from history.outbox where payload ->> 'transaction_id' = ${saga} order by id`;
  return rows.map(({ text }) => text);
}

/** Sends the reservation to the ledger again, as it was sent first. */
async function askAgain(saga: string): Promise<void> {
  const [row] = await walletOwner`
    select sender_wallet_id as wallet, reservation_event::text as text from wallet.transfer_sagas where id = ${saga}`;
  await producer.send(system.env.KAFKA_TOPIC!, [{ key: row?.wallet, value: row?.text, headers: {} }], SEND_DEADLINE_MS);
}

/** Sends a decision to the wallet service. */
async function say(text: string): Promise<void> {
  const { wallet_id } = JSON.parse(text);
  await producer.send(system.env.KAFKA_LEDGER_TOPIC!, [{ key: wallet_id, value: text, headers: {} }], SEND_DEADLINE_MS);
}

describe.each(LAYOUTS)("in %s,", (layout) => {
  beforeAll(() => begin(layout));
  afterAll(end);

  describe("a transfer in which the ledger decides", () => {
    test("moves the money once the ledger has posted it, in both services alike", async () => {
      const [a, b] = [await openFunded(system.wallet, "ann", "100"), await openFunded(system.wallet, "bea", "1")];
      const { status, body } = await startSaga(a, b, "60.5");
      expect([status, body.status, body.failure_code]).toEqual([202, "SUCCESS", null]);
      expect(await walletOf(a)).toMatchObject({ balance: "39.5000", held: "0.0000" });
      expect(await walletOf(b)).toMatchObject({ balance: "61.5000", held: "0.0000" });
      expect(await entriesOf(body.id)).toEqual([`DEBIT ${a} 60.5000`, `CREDIT ${b} 60.5000`]);
      const lines = (await get(system.wallet, `/wallets/${b}/transactions`)).body.items;
      const line = lines.find(({ transfer_id }) => transfer_id === body.id);
      await until(async () => (await entriesOf(String(line?.id))).length === 2);
      await expectInvariants(system);
      expect(await accountOf(a)).toMatchObject({ kind: "wallet", balance: "39.5000" });
      expect(await accountOf("clearing:USD")).toMatchObject({ balance: "0.0000" });
    });

    test("is refused by a frozen account, whichever side it is, and the hold ends; a later one succeeds", async () => {
      const [a, b] = [await openFunded(system.wallet, "cid", "10"), await openFunded(system.wallet, "dan", "10")];
      for (const frozen of [a, b]) {
        await freezeAccount(frozen);
        const { body } = await startSaga(a, b, "10");
        expect([body.status, body.failure_code]).toEqual(["FAILED", "account_frozen"]);
        expect(await entriesOf(body.id)).toEqual([]);
        expect(await walletOf(a)).toMatchObject({ balance: "10.0000", held: "0.0000", available: "10.0000" });
        await freezeAccount(frozen, "unfreeze");
      }
      expect((await startSaga(a, b, "10")).body.status).toBe("SUCCESS");
      await expectInvariants(system);
    });

    test("under a key that is used again is the same saga, and moves money once", async () => {
      const [a, b] = [await openFunded(system.wallet, "eve", "10"), await openFunded(system.wallet, "fay", "10")];
      const key = crypto.randomUUID();
      const replies = await Promise.all(Array.from({ length: 5 }, () => startSaga(a, b, "3", key)));
      expect(new Set(replies.map(({ body }) => `${body.id} ${body.status}`)).size).toBe(1);
      expect(replies[0]?.body.status).toBe("SUCCESS");
      expect(await walletOf(a)).toMatchObject({ balance: "7.0000" });
    });

    test("to a wallet that was opened a moment before, which the ledger has not met", async () => {
      const a = await openFunded(system.wallet, "gil", "30");
      const sagas = Array.from({ length: 10 }, async () => {
        const opened = await post(system.wallet, "/wallets", { user_id: "new" });
        const { body } = await startSaga(a, opened.body.id, "3");
        return [body.status, (await walletOf(opened.body.id)).balance];
      });
      expect(await Promise.all(sagas)).toEqual(Array.from({ length: 10 }, () => ["SUCCESS", "3.0000"]));
      expect(await walletOf(a)).toMatchObject({ balance: "0.0000", held: "0.0000" });
      await expectInvariants(system);
    });

    test("of all that a wallet may hold, there and back", async () => {
      const [a, b] = [await openFunded(system.wallet, "hal", LIMIT), await openFunded(system.wallet, "ida", "0.0001")];
      expect((await startSaga(a, b, LIMIT)).body.code).toBe("balance_limit_exceeded");
      expect((await post(system.wallet, `/wallets/${b}/withdraw`, { amount: "0.0001" })).status).toBe(201);
      expect((await startSaga(a, b, LIMIT)).body.status).toBe("SUCCESS");
      expect((await walletOf(b)).balance).toBe(LIMIT);
      expect((await startSaga(b, a, LIMIT)).body.status).toBe("SUCCESS");
      expect((await startSaga(a, b, "0.0001")).body.status).toBe("SUCCESS");
      expect(await walletOf(a)).toMatchObject({ balance: "99999999999999.9998", held: "0.0000" });
      await expectInvariants(system);
      expect(await accountOf(a)).toMatchObject({ balance: "99999999999999.9998" });
    });
  });

  describe("transfers that meet", () => {
    test("sagas in opposite directions over one pair all end, and no cent is lost", async () => {
      const [a, b] = [await openFunded(system.wallet, "jim", "50"), await openFunded(system.wallet, "kay", "50")];
      const sagas = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? startSaga(a, b, "1.25") : startSaga(b, a, "1.25"))),
      );
      expect(new Set(sagas.map(({ body }) => body.status))).toEqual(new Set(["SUCCESS"]));
      expect([await walletOf(a), await walletOf(b)]).toMatchObject([{ balance: "50.0000" }, { balance: "50.0000" }]);
      await expectInvariants(system);
      expect(await accountOf(b)).toMatchObject({ balance: "50.0000" });
    });

    test("a saga and an instant transfer that want the last cent: one gets it", async () => {
      const [a, b] = [await openFunded(system.wallet, "leo", "1"), await openFunded(system.wallet, "mia", "1")];
      for (let round = 0; round < 10; round += 1) {
        const [from, to] = round % 2 === 0 ? [a, b] : [b, a];
        const amount = (await walletOf(from)).balance;
        if (amount === "0.0000") continue;
        const [saga, instant] = await Promise.all([
          startSaga(from, to, amount),
          post(system.wallet, `/wallets/${from}/transfer`, { to_wallet_id: to, amount }),
        ]);
        const won = [saga.body.status === "SUCCESS", instant.status === 201];
        expect(won.filter(Boolean)).toHaveLength(1);
        expect([saga.body.code, instant.body.code]).toContain("insufficient_funds");
        expect(await walletOf(from)).toMatchObject({ balance: "0.0000", held: "0.0000" });
      }
      await expectInvariants(system);
    });
  });

  describe("a decision is made once", () => {
    test("frozen and unfrozen since, the ledger answers a repeated question with the same bytes, and posts nothing", async () => {
      const [a, b] = [await openFunded(system.wallet, "ned", "10"), await openFunded(system.wallet, "ola", "10")];
      const granted = (await startSaga(a, b, "4")).body.id;
      await freezeAccount(b);
      const refused = (await startSaga(a, b, "4")).body.id;
      await askAgain(granted);
      await until(async () => (await answersOn(granted)).length === 2, { what: "the ledger answers again" });
      await freezeAccount(b, "unfreeze");
      await askAgain(refused);
      await until(async () => (await answersOn(refused)).length === 2, { what: "the ledger answers again" });
      for (const saga of [granted, refused]) expect(new Set(await answersOn(saga)).size).toBe(1);
      expect(await entriesOf(granted)).toHaveLength(2);
      expect(await entriesOf(refused)).toEqual([]);
      await expectInvariants(system);
      expect([await walletOf(a), await walletOf(b)]).toMatchObject([{ balance: "6.0000" }, { balance: "14.0000" }]);
    });

    test("a decision that comes twice settles once; one that contradicts it is set aside and changes nothing", async () => {
      const [a, b] = [await openFunded(system.wallet, "pia", "10"), await openFunded(system.wallet, "rob", "10")];
      const { id } = (await startSaga(a, b, "4")).body;
      await expectInvariants(system);
      const [said] = await answersOn(id);
      const before = [await walletOf(a), await walletOf(b)];
      const contradiction = { ...JSON.parse(said!), type: "LEDGER_FAILED", reason: "account_frozen" };
      for (const text of [said!, said!, JSON.stringify(contradiction)]) await say(text);
      const letters = () => walletOwner`
        select reason from wallet.dead_letters where convert_from(value, 'UTF8') like ${`%${id}%`}`;
      const [letter] = await until(async () => {
        const found = await letters();
        return found.length > 0 && found;
      });
      expect(letter?.reason).toContain("SUCCESS");
      expect(await letters()).toHaveLength(1);
      expect([await walletOf(a), await walletOf(b)]).toEqual(before);
      await walletOwner`delete from wallet.dead_letters`;
      await expectInvariants(system);
    });
  });
});
