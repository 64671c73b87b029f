import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ReceivedMessage } from "../shared/consumer.ts";
import type { LedgerEvent } from "../shared/events.ts";
import { uuidv7 } from "../shared/ids.ts";
import { createLog } from "../shared/log.ts";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";
import { createCommitter } from "./committer.ts";
import type { Call } from "./execute.ts";
import { settleWith } from "./settle.ts";
import { type Direct, direct, reserve } from "./testing.ts";

/** What the ledger has decided, from messages into the wallets, and what becomes of a decision that cannot be applied. */

const log = createLog({ service: "test", level: "silent", pretty: false });

let database: TestDatabase;
let server: Direct;
let sender: string;
let receiver: string;

beforeAll(async () => {
  database = await createDatabase("settle");
  server = direct(database.url);
  [sender = "", receiver = ""] = await server.open(2, "100");
});

afterAll(async () => {
  await server.end();
  await database.drop();
});

/** Handles a batch as the consumer would; each look at the clock is a second later, so that no attempt takes long. */
async function handle(decisions: readonly LedgerEvent[], call: Call = server.apply) {
  let seconds = 0;
  let signsOfLife = 0;
  let settled = 0;
  const committer = createCommitter({ call, log, now: () => 1_000 * seconds++, onCommit: () => undefined });
  const settle = settleWith({ committer, sql: server.sql, log, onSettled: () => settled++ });
  await settle(decisions.map(messageOf), {
    signal: new AbortController().signal,
    keepAlive: async () => void signsOfLife++,
  });
  await committer.stop();
  return { signsOfLife, settled };
}

async function startSaga(): Promise<string> {
  const saga = reserve(sender, receiver, "4");
  await server.apply([saga]);
  return "id" in saga ? saga.id : "";
}

function decision(transaction_id: string, type: LedgerEvent["type"] = "LEDGER_SUCCESS"): LedgerEvent {
  return {
    id: uuidv7(),
    type,
    transaction_id,
    wallet_id: sender,
    receiver_wallet_id: receiver,
    amount: "4.0000",
    currency: "USD",
    reason: type === "LEDGER_SUCCESS" ? null : "account_frozen",
    occurred_at: "2026-01-31T12:00:00.000000Z",
  };
}

/** Each message has a place of its own, by which a dead letter is known. */
let offset = 0;

function messageOf(event: LedgerEvent): ReceivedMessage {
  return {
    topic: "ledger-events",
    partition: 0,
    offset: String(offset++),
    key: Buffer.from(event.wallet_id),
    value: Buffer.from(JSON.stringify(event)),
    headers: {},
    timestamp_ms: 0,
  };
}

async function statusOf(...sagas: string[]): Promise<string[]> {
  const rows = await server.sql<{ id: string; status: string }[]>`
    select id, status from wallet.transfer_sagas where id = any (${sagas}::uuid[])`;
  return sagas.map((id) => rows.find((row) => row.id === id)?.status ?? "none");
}

/** Why decisions on the saga were set aside. */
async function lettersOn(saga: string): Promise<string[]> {
  const rows = await server.sql<{ reason: string }[]>`
    select reason from wallet.dead_letters where convert_from(value, 'UTF8') like ${`%${saga}%`}`;
  return rows.map(({ reason }) => reason);
}

const held = async () =>
  (await server.sql<{ held: string }[]>`select held from wallet.wallets where id = ${sender}`)[0]?.held;

describe("a decision of the ledger", () => {
  test("is applied before its batch counts as read", async () => {
    const [paid, refused] = [await startSaga(), await startSaga()];
    const { settled } = await handle([decision(paid), decision(refused, "LEDGER_FAILED")]);
    expect(await statusOf(paid, refused)).toEqual(["SUCCESS", "FAILED"]);
    expect([settled, await held()]).toEqual([1, "0.0000"]);
  });

  test("what is not known to be done is done again, until it is known", async () => {
    const saga = await startSaga();
    let failures = 8;
    const { signsOfLife } = await handle([decision(saga)], (operations) =>
      failures-- > 0
        ? Promise.reject(Object.assign(new Error("the server is starting"), { code: "57P03" }))
        : server.apply(operations),
    );
    expect(await statusOf(saga)).toEqual(["SUCCESS"]);
    expect(await lettersOn(saga)).toEqual([]);
    // The group must not take a consumer that waits for dead.
    expect(signsOfLife).toBeGreaterThan(0);
  });

  test("on a saga that there is none of is set aside, and its neighbours are applied", async () => {
    const [before, unknown, behind] = [await startSaga(), uuidv7(), await startSaga()];
    await handle([before, unknown, behind].map((saga) => decision(saga)));
    expect(await statusOf(before, unknown, behind)).toEqual(["SUCCESS", "none", "SUCCESS"]);
    expect(await lettersOn(unknown)).toEqual(["no such saga"]);
  });

  test("that comes again releases nothing of another saga's", async () => {
    const [refused, open] = [await startSaga(), await startSaga()];
    const no = decision(refused, "LEDGER_FAILED");
    for (const batch of [[no], [no, no]]) await handle(batch);
    expect(await statusOf(refused, open)).toEqual(["FAILED", "INITIATED"]);
    expect(await held()).toBe("4.0000");
    await handle([decision(open)]);
    expect(await held()).toBe("0.0000");
  });

  test("that contradicts the first is set aside, and changes nothing", async () => {
    const saga = await startSaga();
    await handle([decision(saga)]);
    await handle([decision(saga, "LEDGER_FAILED"), decision(saga)]);
    expect(await statusOf(saga)).toEqual(["SUCCESS"]);
    expect(await lettersOn(saga)).toEqual(["the saga has ended as SUCCESS, and the ledger now says RELEASE"]);
    expect(await held()).toBe("0.0000");
  });
});
