import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { tellWallet } from "../../../history/testing.ts";
import { connectFunctions, type Sql } from "../../../shared/database.ts";
import { eventFault, type WalletEvent } from "../../../shared/events.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { createDatabase, type TestDatabase } from "../../../test/cluster.ts";
import { asOwner } from "../../check.fixture.ts";

let database: TestDatabase;
let sql: Sql;
let owner: Sql;

beforeAll(async () => {
  database = await createDatabase("apply_ledger");
  sql = connectFunctions(database.url, { service: "history", purpose: "test", max: 8 });
  owner = connectFunctions(database.url, { service: "history", purpose: "owner", max: 1, asOwner: true });
});
afterAll(async () => {
  await Promise.all([sql.end(), owner.end()]);
  await database.drop();
});

async function record(events: readonly unknown[], partition = 0): Promise<string[]> {
  const rows =
    await sql`select ordinal, outcome from record_events(${partition}::int, ${JSON.stringify(events)}::text)`;
  return rows.map(({ ordinal, outcome }) => `${ordinal} ${outcome}`);
}

/** `balance @applied_version`, and whether it is frozen. */
async function accountOf(id: string): Promise<string | undefined> {
  const [row] = await sql`select balance, applied_version, frozen from ledger_accounts where id = ${id}`;
  return row && `${row.balance} @${row.applied_version}${row.frozen ? " frozen" : ""}`;
}

/** All entries of a movement, debits first. */
async function entriesOf(movement: string): Promise<string[]> {
  const rows = await sql`
    select account_id, direction, amount, balance_after from ledger_entries
    where movement_id = ${movement} order by direction desc, account_id`;
  return rows.map((row) => `${row.direction} ${row.account_id} ${row.amount} → ${row.balance_after}`);
}

interface Answer {
  readonly type: string;
  readonly event_id: string;
  readonly aggregate_id: string;
  readonly text: string;
}

/** What the ledger has said on a saga, oldest first. */
function answersOn(saga: string | null): Promise<Answer[]> {
  return sql<Answer[]>`
    select type, event_id, aggregate_id, payload::text as text from outbox
    where payload ->> 'transaction_id' = ${saga} order by id`;
}

function failureOf(call: PromiseLike<unknown>): PromiseLike<unknown> {
  return call.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

const freeze = (id: string, frozen = true) => sql`select freeze_account(${id}, ${frozen})`;

/** A wallet whose account has this balance. */
async function fundedWallet(amount: string, fields: Partial<WalletEvent> = {}) {
  const wallet = tellWallet();
  await record([wallet.created(fields), wallet.funded({ amount, ...fields })]);
  return wallet;
}

describe("a clock that is set back", () => {
  test("puts no entry before those that are there", async () => {
    const wallet = await fundedWallet("100.0000");
    const { wallet_id } = wallet;
    // As they are after an hour by a clock that was an hour ahead.
    const later = (Date.now() + 3_600_000).toString(16).padStart(12, "0");
    const time = `${later.slice(0, 8)}-${later.slice(8)}`;
    await asOwner(database.url, async (all) => {
      await all`
        update history.ledger_entries set id = (${time}::text || substr(id::text, 14))::uuid
         where account_id = ${wallet_id}`;
      await all`update history.ledger_accounts set updated_at = now() + interval '1 hour' where id = ${wallet_id}`;
    });
    const withdraw = (amount: string) =>
      record([wallet.event("WALLET_WITHDRAWN", { transaction_id: uuidv7(), amount, posting: "OWN" })]);
    await withdraw("1.0000");
    await freeze(wallet_id);
    await withdraw("2.0000");
    const rows = await sql`
      select balance_after, substr(id::text, 15, 1) as version from ledger_entries
       where account_id = ${wallet_id} order by id`;
    expect(rows.map(({ balance_after, version }) => `${balance_after} v${version}`)).toEqual([
      "100.0000 v7",
      "99.0000 v7",
      "97.0000 v7",
    ]);
  });
});

describe("every event of a wallet's own posts one balanced pair", () => {
  test("money from outside, to outside, and between two wallets", async () => {
    const [alice, bob] = [tellWallet(), tellWallet()];
    const funded = alice.funded({ wallet_version: 2, amount: "100.0000" });
    const transfer = uuidv7();
    const out = alice.event("TRANSFER_OUT", {
      wallet_version: 3,
      transaction_id: transfer,
      transfer_id: transfer,
      counterparty_wallet_id: bob.wallet_id,
      amount: "30.0001",
      posting: "OWN",
    });
    const withdrawn = alice.event("WALLET_WITHDRAWN", {
      wallet_version: 4,
      transaction_id: uuidv7(),
      amount: "0.9999",
      posting: "OWN",
    });
    const created = alice.created({ wallet_version: 1 });
    await record([created, funded, out, withdrawn]);
    const clearing = async () =>
      (await sql`select sum(credits - debits) as balance from ledger_totals where account_kind = 'clearing'`)[0]
        ?.balance;
    expect(await clearing()).toBe("30.0001");
    const received = bob.event("TRANSFER_IN", {
      wallet_version: 2,
      transaction_id: uuidv7(),
      transfer_id: transfer,
      counterparty_wallet_id: alice.wallet_id,
      amount: "30.0001",
      posting: "OWN",
    });
    await record([bob.created({ wallet_version: 1 }), received], 3);
    expect(await clearing()).toBe("0.0000");

    expect(await accountOf(alice.wallet_id)).toBe("69.0000 @4");
    expect(await accountOf(bob.wallet_id)).toBe("30.0001 @2");
    expect(await entriesOf(funded.transaction_id!)).toEqual([
      "DEBIT external:USD 100.0000 → null",
      `CREDIT ${alice.wallet_id} 100.0000 → 100.0000`,
    ]);
    expect(await entriesOf(withdrawn.transaction_id!)).toEqual([
      `DEBIT ${alice.wallet_id} 0.9999 → 69.0000`,
      "CREDIT external:USD 0.9999 → null",
    ]);
    expect((await entriesOf(transfer)).toSorted()).toEqual(
      [
        `DEBIT ${alice.wallet_id} 30.0001 → 69.9999`,
        "CREDIT clearing:USD 30.0001 → null",
        "DEBIT clearing:USD 30.0001 → null",
        `CREDIT ${bob.wallet_id} 30.0001 → 30.0001`,
      ].toSorted(),
    );
  });

  test("what is for the audit trail only moves the version on", async () => {
    const wallet = await fundedWallet("5.0000");
    const failed = wallet.event("TRANSFER_FAILED", { transaction_id: uuidv7(), amount: "9.0000" });
    const released = wallet.event("RESERVATION_RELEASED", { transaction_id: uuidv7(), amount: "1.0000" });
    await record([wallet.frozen(), failed, released]);
    expect(await accountOf(wallet.wallet_id)).toBe("5.0000 @5");
    expect([await entriesOf(failed.transaction_id!), await entriesOf(released.transaction_id!)]).toEqual([[], []]);
  });

  test("each currency for itself", async () => {
    const [yen, euro] = [
      await fundedWallet("7.0000", { currency: "JPY" }),
      await fundedWallet("8.0000", { currency: "EUR" }),
    ];
    expect([await accountOf(yen.wallet_id), await accountOf(euro.wallet_id)]).toEqual(["7.0000 @2", "8.0000 @2"]);
    const rows = await sql`
      select id, kind, currency, balance from ledger_accounts where id in ('external:JPY', 'external:EUR') order by id`;
    expect(rows.map((row) => Object.values(row))).toEqual([
      ["external:EUR", "external", "EUR", null],
      ["external:JPY", "external", "JPY", null],
    ]);
  });

  test("redelivered, it posts nothing", async () => {
    const wallet = tellWallet();
    const story = wallet.story(4);
    for (const batch of [story, story, story.slice(2)]) await record(batch);
    expect(await accountOf(wallet.wallet_id)).toBe("3.0000 @4");
    const [row] = await sql`select count(*)::int as count from ledger_entries where account_id = ${wallet.wallet_id}`;
    expect(row?.count).toBe(3);
  });

  test("the postings and decisions cannot be changed or removed, not even by the owner", async () => {
    for (const table of ["ledger_entries", "ledger_decisions"]) {
      for (const attempt of [`update ${table} set created_at = now()`, `delete from ${table}`, `truncate ${table}`])
        expect(await failureOf(owner.unsafe(attempt))).toMatchObject({ code: "42501" });
    }
  });
});

describe("a wallet is applied strictly by version", () => {
  test("what is behind a gap waits, for this wallet only, and what fills the gap releases it", async () => {
    const [held, free] = [tellWallet(), tellWallet()];
    const [one, two, three, four, five] = held.story(5);
    await record([one, three, ...free.story(3)]);
    expect([await accountOf(held.wallet_id), await accountOf(free.wallet_id)]).toEqual(["0.0000 @1", "2.0000 @3"]);
    await record([five]);
    expect(await accountOf(held.wallet_id)).toBe("0.0000 @1");
    await record([two]);
    expect(await accountOf(held.wallet_id)).toBe("2.0000 @3");
    await record([four]);
    expect(await accountOf(held.wallet_id)).toBe("4.0000 @5");
  });

  test("without its first event a wallet has no account", async () => {
    const wallet = tellWallet();
    const [one, two] = wallet.story(2);
    await record([two]);
    expect(await accountOf(wallet.wallet_id)).toBeUndefined();
    await record([one]);
    expect(await accountOf(wallet.wallet_id)).toBe("1.0000 @2");
  });

  test("more than one call may apply is left to the next, in order and completely", async () => {
    const wallet = tellWallet();
    const [first, ...others] = wallet.story(12_001);
    for (let at = 0; at < others.length; at += 3_000) await record(others.slice(at, at + 3_000), 5);
    await record([first], 5);
    expect(await accountOf(wallet.wallet_id)).toBe("9999.0000 @10000");
    const more = async () => (await sql`select continue_ledger() as more`)[0]?.more;
    expect([await more(), await more()]).toEqual([true, false]);
    expect(await accountOf(wallet.wallet_id)).toBe("12000.0000 @12001");
  });
});

describe("the ledger decides a saga once", () => {
  test("success debits the sender, credits the receiver and says so", async () => {
    const [sender, receiver] = [await fundedWallet("10.0000"), await fundedWallet("1.0000")];
    const asked = sender.reserved(receiver.wallet_id, "10.0000");
    await record([asked]);
    expect(await entriesOf(asked.transaction_id!)).toEqual([
      `DEBIT ${sender.wallet_id} 10.0000 → 0.0000`,
      `CREDIT ${receiver.wallet_id} 10.0000 → 11.0000`,
    ]);
    const [answer] = await answersOn(asked.transaction_id);
    const event = JSON.parse(answer!.text);
    expect(eventFault(event)).toBeUndefined();
    expect(event).toMatchObject({
      id: answer!.event_id,
      type: "LEDGER_SUCCESS",
      transaction_id: asked.transaction_id,
      wallet_id: sender.wallet_id,
      receiver_wallet_id: receiver.wallet_id,
      amount: "10.0000",
      currency: "USD",
      reason: null,
    });
    expect(answer).toMatchObject({ type: "LEDGER_SUCCESS", aggregate_id: sender.wallet_id });
  });

  const refusals: [string, string, (sender: string, receiver: string) => PromiseLike<unknown>][] = [
    ["account_frozen", "a frozen sender", (sender) => freeze(sender)],
    ["account_frozen", "a frozen receiver", (_, receiver) => freeze(receiver)],
  ];
  test.each(refusals)("%s: %s is refused, and nothing is posted", async (reason, _, prepare) => {
    const [sender, receiver] = [await fundedWallet("10.0000"), await fundedWallet("1.0000")];
    await prepare(sender.wallet_id, receiver.wallet_id);
    const asked = sender.reserved(receiver.wallet_id, "1.0000");
    await record([asked]);
    const [answer] = await answersOn(asked.transaction_id);
    expect(JSON.parse(answer!.text)).toMatchObject({ type: "LEDGER_FAILED", reason });
    expect(eventFault(JSON.parse(answer!.text))).toBeUndefined();
    expect(await entriesOf(asked.transaction_id!)).toEqual([]);
    expect(await accountOf(sender.wallet_id)).toStartWith("10.0000 @3");
  });

  test("insufficient_funds: more than the ledger knows of is refused, the last ten-thousandth is not", async () => {
    const [sender, receiver] = [await fundedWallet("1.0000"), await fundedWallet("1.0000")];
    const [more, all] = [sender.reserved(receiver.wallet_id, "1.0001"), sender.reserved(receiver.wallet_id, "1.0000")];
    await record([more, all]);
    const said = await Promise.all([more, all].map(({ transaction_id }) => answersOn(transaction_id)));
    expect(said.flat().map(({ text }) => JSON.parse(text).reason)).toEqual(["insufficient_funds", null]);
    expect(await accountOf(sender.wallet_id)).toBe("0.0000 @4");
  });

  test("currency_mismatch: accounts of two currencies", async () => {
    const [sender, receiver] = [await fundedWallet("1.0000"), await fundedWallet("1.0000", { currency: "EUR" })];
    const asked = sender.reserved(receiver.wallet_id, "1.0000");
    await record([asked]);
    expect(JSON.parse((await answersOn(asked.transaction_id))[0]!.text).reason).toBe("currency_mismatch");
  });

  test("a receiver that the ledger has not met yet is taken from the event, and its own events follow", async () => {
    const sender = await fundedWallet("3.0000");
    const receiver = tellWallet();
    await record([sender.reserved(receiver.wallet_id, "2.0000")]);
    expect(await accountOf(receiver.wallet_id)).toBe("2.0000 @0");
    await record(receiver.story(2), 1);
    expect(await accountOf(receiver.wallet_id)).toBe("3.0000 @2");
  });

  test("asked again, it answers the same bytes and posts nothing, whatever has happened meanwhile", async () => {
    const [sender, receiver] = [await fundedWallet("10.0000"), await fundedWallet("1.0000")];
    const [yes, no] = [sender.reserved(receiver.wallet_id, "4.0000"), sender.reserved(receiver.wallet_id, "40.0000")];
    await record([yes, no]);
    await freeze(sender.wallet_id);
    expect(await record([yes, no])).toEqual(["1 duplicate", "2 duplicate"]);
    await freeze(sender.wallet_id, false);
    await record([no, sender.funded({ amount: "100.0000" }), yes, yes]);
    for (const [asked, times, type] of [
      [yes, 3, "LEDGER_SUCCESS"],
      [no, 3, "LEDGER_FAILED"],
    ] as const) {
      const answers = await answersOn(asked.transaction_id);
      expect(answers).toHaveLength(times);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]?.type).toBe(type);
    }
    expect(await accountOf(sender.wallet_id)).toBe("106.0000 @5");
    expect(await accountOf(receiver.wallet_id)).toBe("5.0000 @2");
  });

  test("asked while its event waits behind a gap, it says nothing until it is applied", async () => {
    const [sender, receiver] = [await fundedWallet("10.0000"), await fundedWallet("1.0000")];
    const missing = sender.funded();
    const asked = sender.reserved(receiver.wallet_id, "4.0000");
    await record([asked]);
    await record([asked]);
    expect(await answersOn(asked.transaction_id)).toEqual([]);
    await record([missing]);
    expect(await answersOn(asked.transaction_id)).toHaveLength(1);
  });

  test("another event under the id of a saga that is decided is answered, and posts nothing", async () => {
    const [sender, receiver] = [await fundedWallet("10.0000"), await fundedWallet("1.0000")];
    const asked = sender.reserved(receiver.wallet_id, "4.0000");
    await record([asked]);
    const { transaction_id, transfer_id } = asked;
    await record([sender.reserved(receiver.wallet_id, "4.0000", { transaction_id, transfer_id })]);
    expect(await answersOn(transaction_id)).toHaveLength(2);
    expect(await accountOf(sender.wallet_id)).toBe("6.0000 @4");
  });

  test("two partitions that decide sagas in opposite directions neither wait for each other for ever nor lose a cent", async () => {
    const [left, right] = [await fundedWallet("1000.0000"), await fundedWallet("1000.0000")];
    const strangers = Array.from({ length: 20 }, () => uuidv7() as string);
    const rounds = 40;
    const ask = async (from: typeof left, to: typeof left, partition: number) => {
      for (let round = 0; round < rounds; round += 1) {
        const events = [from.reserved(to.wallet_id, "2.0000")];
        // Receivers that neither has met: both make their accounts.
        for (const stranger of strangers) events.push(from.reserved(stranger, "0.1000"));
        await record(events, partition);
      }
    };
    await Promise.all([ask(left, right, 1), ask(right, left, 2)]);
    for (const wallet of [left, right]) expect(await accountOf(wallet.wallet_id)).toStartWith("920.0000 @");
    const [row] = await sql`select sum(balance) as sum from ledger_accounts where id = any (${strangers})`;
    expect(row?.sum).toBe("160.0000");
  });
});

describe("an impossible posting ends the call and stores nothing", () => {
  test("an event that would take an account below zero", async () => {
    const wallet = await fundedWallet("1.0000");
    const event = wallet.event("WALLET_WITHDRAWN", { transaction_id: uuidv7(), amount: "1.0001", posting: "OWN" });
    expect(await failureOf(record([event]))).toMatchObject({ code: "23514" });
    expect(await accountOf(wallet.wallet_id)).toBe("1.0000 @2");
  });

  test("a movement that is posted already", async () => {
    const wallet = await fundedWallet("1.0000");
    const funded = wallet.funded();
    await record([funded]);
    expect(await failureOf(record([wallet.funded({ transaction_id: funded.transaction_id })]))).toMatchObject({
      code: "23505",
    });
  });

  test("a posting that there is no rule for, or in another currency than the account's", async () => {
    const wallet = await fundedWallet("1.0000");
    expect(await failureOf(record([wallet.event("WALLET_FROZEN", { posting: "OWN" })]))).toMatchObject({
      code: "22000",
    });
    expect(await failureOf(record([wallet.funded({ wallet_version: 3, currency: "EUR" })]))).toMatchObject({
      code: "22000",
    });
  });
});
