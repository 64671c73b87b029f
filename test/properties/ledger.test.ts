import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EMPTY_LEDGER, type LedgerState, record, setFrozen } from "../../history/ledger-rules.ts";
import { connectFunctions, type Sql } from "../../shared/database.ts";
import type { LedgerEvent, WalletEvent } from "../../shared/events.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { formatAmount } from "../../shared/money.ts";
import { check, failures } from "../../sql/check.ts";
import type { Operation } from "../../wallet/operation.ts";
import {
  create,
  type Direct,
  direct,
  freeze,
  fund,
  reserve,
  settle,
  transfer,
  withdraw,
} from "../../wallet/testing.ts";
import { createDatabase, type TestDatabase } from "../cluster.ts";

/**
 * Both SQL functions and the ledger's model in TypeScript on random histories. Events and decisions take any way between
 * the two: repeated, out of order, with holes, in batches cut anywhere; accounts freeze and thaw meanwhile.
 */

const WALLETS = 5;
/** Wallets keep to a partition, as their events do. */
const PARTITIONS = 2;

type Value<A> = A extends fc.Arbitrary<infer T> ? T : never;
type Draw = Value<typeof draw>;
const draw = fc.record({
  kind: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom("FUND" as const, "TRANSFER" as const, "RESERVE" as const, "RESERVE" as const),
    },
    { weight: 1, arbitrary: fc.constantFrom("WITHDRAW" as const, "FREEZE" as const, "UNFREEZE" as const) },
  ),
  wallet: fc.nat(WALLETS - 1),
  other: fc.nat(WALLETS - 1),
  amount: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 100_000 }).map((n) => (n / 10_000).toFixed(4)) },
    { weight: 1, arbitrary: fc.constantFrom("99999999999999.9999", "0.0001") },
  ),
});

/** Numbers that stand for one of what there is, counted round. */
const picks = fc.array(fc.nat(200), { minLength: 1, maxLength: 12, size: "max" });
type Step = Value<typeof step>;
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ operate: fc.array(draw, { minLength: 1, maxLength: 8, size: "max" }) }) },
  { weight: 4, arbitrary: fc.record({ deliver: picks }) },
  { weight: 2, arbitrary: fc.record({ answer: picks }) },
  { weight: 1, arbitrary: fc.record({ account: fc.nat(WALLETS - 1), frozen: fc.boolean() }) },
);

let database: TestDatabase;
let wallets: Direct;
let history: Sql;
let owner: Sql;

beforeAll(async () => {
  database = await createDatabase("ledger");
  wallets = direct(database.url);
  history = connectFunctions(database.url, { service: "history", purpose: "test", max: 2 });
  owner = connectFunctions(database.url, { service: "wallet", purpose: "owner", max: 1, asOwner: true });
});
afterAll(async () => {
  await Promise.all([wallets.end(), history.end(), owner.end()]);
  await database.drop();
});

function operationOf(ids: readonly string[], { kind, wallet, other, amount }: Draw): Operation {
  const [from = "", to = ""] = [ids[wallet], ids[other]];
  switch (kind) {
    case "FUND":
      return fund(from, amount);
    case "WITHDRAW":
      return withdraw(from, amount);
    case "TRANSFER":
      return transfer(from, to, amount);
    case "RESERVE":
      return reserve(from, to, amount);
    case "FREEZE":
    case "UNFREEZE":
      return freeze(from, kind);
  }
}

/** One random history: the wallets, what they have said, and what the model makes of what has been delivered. */
class World {
  readonly ids = Array.from({ length: WALLETS }, () => uuidv7() as string);
  model: LedgerState = EMPTY_LEDGER;

  async open(): Promise<void> {
    // The last one has another currency.
    await wallets.apply(this.ids.map((id, n) => create(id, {}, n === WALLETS - 1 ? "EUR" : "USD")));
    await wallets.apply(this.ids.map((id) => fund(id, "100.0000")));
  }

  async take(step: Step): Promise<void> {
    if ("operate" in step) await wallets.apply(step.operate.map((each) => operationOf(this.ids, each)));
    else if ("deliver" in step) await this.deliver(pick(step.deliver, await this.events()));
    else if ("answer" in step) await this.answer(pick(step.answer, await this.decisions()));
    else {
      const id = this.ids[step.account]!;
      await history`select freeze_account(${id}, ${step.frozen})`;
      this.model = setFrozen(this.model, id, step.frozen);
    }
  }

  async deliver(events: readonly WalletEvent[]): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const batch = events.filter(({ wallet_id }) => this.ids.indexOf(wallet_id) % PARTITIONS === partition);
      if (batch.length === 0) continue;
      await history`select * from record_events(${partition}::int, ${JSON.stringify(batch)}::text)`;
      this.model = record(this.model, batch);
    }
    expect(await this.stored()).toEqual(plain(this.model));
  }

  async answer(decisions: readonly LedgerEvent[]): Promise<void> {
    if (decisions.length === 0) return;
    const answered = await wallets.apply(
      decisions.map(({ type, transaction_id: id, reason }) =>
        type === "LEDGER_SUCCESS" ? settle(id) : ({ kind: "RELEASE", id, failure_code: reason! } as Operation),
      ),
    );
    // Whatever comes when and how often, no decision contradicts another.
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([200]));
  }

  /** Everything arrives in the end. */
  async rest(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      await this.deliver(await this.events());
      await this.answer(await this.decisions());
    }
  }

  async events(): Promise<WalletEvent[]> {
    const rows = await wallets.sql<{ payload: WalletEvent }[]>`
      select payload from wallet.outbox where aggregate_id = any (${this.ids}::uuid[]) order by id`;
    return rows.map(({ payload }) => payload);
  }

  async decisions(): Promise<LedgerEvent[]> {
    const rows = await history<{ payload: LedgerEvent }[]>`
      select payload from history.outbox where aggregate_id = any (${this.ids}::uuid[]) order by id`;
    return rows.map(({ payload }) => payload);
  }

  async stored() {
    const accounts = await history`
      select id, currency, balance::numeric(24, 4)::text as balance, applied_version::int as applied, frozen
      from ledger_accounts where id = any (${this.ids})`;
    const entries = await history`
      select transaction_id, account_id, direction, amount, balance_after from ledger_entries
      where movement_id in (select movement_id from ledger_entries where account_id = any (${this.ids}))`;
    const decisions = await history`
      select transaction_id, reason from ledger_decisions where payload ->> 'wallet_id' = any (${this.ids})`;
    return {
      accounts: sorted(accounts.map((row) => ({ ...row }))),
      entries: sorted(entries.map((row) => ({ ...row }))),
      decisions: sorted(decisions.map(({ transaction_id, reason }) => [transaction_id, reason])),
      answers: (await this.decisions()).map(({ transaction_id }) => transaction_id).toSorted(),
    };
  }
}

function pick<T>(numbers: readonly number[], from: readonly T[]): T[] {
  return from.length === 0 ? [] : numbers.map((number) => from[number % from.length]!);
}

function plain({ accounts, entries, decisions, answers }: LedgerState): Awaited<ReturnType<World["stored"]>> {
  const rows = [...accounts].map(([id, { balance, ...rest }]) => ({ id, balance: formatAmount(balance), ...rest }));
  return {
    accounts: sorted(rows),
    entries: sorted(entries.map((entry) => ({ ...entry }))),
    decisions: sorted([...decisions]),
    answers: answers.toSorted(),
  };
}

/** In the order of their text, members in the order of their names. */
function sorted(rows: readonly object[]): unknown[] {
  const texts = rows.map((row) =>
    JSON.stringify(Array.isArray(row) ? row : Object.fromEntries(Object.entries(row).sort())),
  );
  return texts.sort().map((text) => JSON.parse(text));
}

describe("the ledger's SQL function and its model agree", () => {
  test("on accounts, entries, decisions and answers of any history, however it arrives; at rest all invariants hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 24, size: "max" }), async (steps) => {
        const world = new World();
        await world.open();
        for (const each of steps) await world.take(each);
        await world.rest();
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 40) },
    );
    for (const schema of ["wallet", "history"])
      await owner`update ${owner(schema)}.relay_state set last_snapshot = pg_current_snapshot()`;
    expect(failures(await check({ wallet: database.url, history: database.url }))).toBe("");
  });
});
