import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { uuidv7 } from "../../shared/ids.ts";
import { formatAmount } from "../../shared/money.ts";
import type { Answered, Operation } from "../../wallet/operation.ts";
import { EMPTY, type RuleEvent, rule, type State } from "../../wallet/rules.ts";
import { attempt, type Direct, direct, fund } from "../../wallet/testing.ts";
import { createDatabase, type TestDatabase } from "../cluster.ts";

/** Random histories through the SQL function and through the model in TypeScript: the same outcomes, state and events. */

const WALLETS = 4;
const SAGAS = 3;
const LIMIT = "99999999999999.9999";

/** An operation as fast-check makes it: small numbers that stand for ids of this history. */
interface Draw {
  readonly kind: Operation["kind"];
  readonly wallet: number;
  readonly other: number;
  readonly amount: string;
  /** Few keys, so that they repeat; undefined for an internal one. */
  readonly key: number | undefined;
  readonly request: number;
  readonly if_match: readonly number[] | undefined;
  readonly saga: number;
}

const draw: fc.Arbitrary<Draw> = fc.record({
  kind: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Operation["kind"]>("FUND", "TRANSFER") },
    { weight: 2, arbitrary: fc.constantFrom<Operation["kind"]>("WITHDRAW", "RESERVE", "SETTLE", "RELEASE") },
    { weight: 1, arbitrary: fc.constantFrom<Operation["kind"]>("FREEZE", "UNFREEZE", "CREATE") },
  ),
  // One more than there are: an unknown wallet.
  wallet: fc.nat(WALLETS),
  other: fc.nat(WALLETS),
  amount: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 200_000 }).map((n) => (n / 10_000).toFixed(4)) },
    { weight: 1, arbitrary: fc.constantFrom(LIMIT, "99999999999990.0000", "0.0001", "3", "2.5") },
  ),
  key: fc.option(fc.nat(5), { nil: undefined, freq: 3 }),
  request: fc.nat(1),
  if_match: fc.option(fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 3 }), { nil: undefined, freq: 5 }),
  saga: fc.nat(SAGAS),
});

const histories = fc.array(fc.array(draw, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 });

interface World {
  readonly wallets: readonly string[];
  /** Sagas of the lists so far: the ledger cannot have answered one that has not been committed. */
  readonly sagas: readonly string[];
  readonly keys: readonly string[];
}

function operationOf(world: World, { kind, wallet, other, amount, key, request, if_match, saga }: Draw): Operation {
  const id = uuidv7();
  const wallet_id = world.wallets[wallet]!;
  const to_wallet_id = world.wallets[other]!;
  const keyed = attempt(key === undefined ? ` ${id}` : world.keys[key], {
    // The request decides what a key stands for; a repeated key with another request is refused.
    fingerprint: `0${request}`.repeat(32),
    ...(if_match && { if_match }),
  });
  const lines = { out_line_id: uuidv7(), in_line_id: uuidv7() };
  switch (kind) {
    case "CREATE":
      return { kind, id, user_id: "someone", currency: "EUR", ...keyed };
    case "FUND":
    case "WITHDRAW":
      return { kind, id, wallet_id, amount, ...keyed };
    case "TRANSFER":
      return { kind, id, wallet_id, to_wallet_id, amount, in_line_id: lines.in_line_id, ...keyed };
    case "RESERVE":
      return { kind, id, wallet_id, to_wallet_id, amount, out_line_id: lines.out_line_id, ...keyed };
    case "FREEZE":
    case "UNFREEZE":
      return { kind, wallet_id, ...keyed };
    case "SETTLE":
      return { kind, id: sagaOf(world, saga), ...lines };
    case "RELEASE":
      return { kind, id: sagaOf(world, saga), failure_code: "account_frozen" };
  }
}

/** One of those that there are, counted round; none for one number, and where there are none yet. */
function sagaOf({ sagas }: World, number: number): string {
  return number === SAGAS ? uuidv7() : (sagas[number % sagas.length] ?? uuidv7());
}

let database: TestDatabase;
let wallets: Direct;

beforeAll(async () => {
  database = await createDatabase("operations");
  wallets = direct(database.url);
});

afterAll(async () => {
  await wallets.end();
  await database.drop();
});

describe("the SQL function and the model agree", () => {
  test("on the outcome, the state and the events of any history", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const ids = Array.from({ length: WALLETS }, () => uuidv7() as string);
        // The last one has another currency.
        const opening: Operation[] = ids.map((id, n) => ({
          ...attempt(` ${id}`),
          kind: "CREATE",
          id: id as ReturnType<typeof uuidv7>,
          user_id: "someone",
          currency: n === WALLETS - 1 ? "EUR" : "USD",
        }));
        const keys = Array.from({ length: 6 }, () => uuidv7() as string);
        let world: World = { wallets: [...ids, uuidv7()], sagas: [], keys };
        let state = EMPTY;
        const events: RuleEvent[] = [];
        const outcomes: Pick<Answered, "status" | "code" | "replayed">[] = [];
        const seen: Answered[] = [];
        // With money in them, or most of what is drawn would be refused; the last one has none.
        const funding = ids.slice(0, -1).map((id) => fund(id, "30.0000"));
        for (const drawn of [opening, funding, ...history]) {
          const list = drawn.map((each) => ("wallet" in each ? operationOf(world, each) : each));
          seen.push(...(await wallets.apply(list)));
          for (const operation of list) {
            const next = rule(state, operation);
            state = next.state;
            outcomes.push({ status: next.ruling.status, code: next.ruling.code, replayed: next.ruling.replayed });
            events.push(...next.ruling.events);
          }
          world = { ...world, sagas: [...state.sagas.keys()] };
        }
        expect(seen.map(({ status, code, replayed }) => ({ status, code, replayed }))).toEqual(outcomes);
        expect(await storedState([...state.wallets.keys()])).toEqual(plain(state));
        expect(await storedEvents([...state.wallets.keys()])).toEqual(events);
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) },
    );
  });
});

function plain(state: State) {
  const rows = [...state.wallets].map(([id, wallet]) => ({
    id,
    balance: formatAmount(wallet.balance),
    held: formatAmount(wallet.held),
    status: wallet.status as string,
    version: String(wallet.version),
  }));
  const sagas = [...state.sagas].map(([id, saga]) => ({ id, status: saga.status as string }));
  return { rows: rows.toSorted(byId), sagas: sagas.toSorted(byId) };
}

async function storedState(ids: readonly string[]) {
  const rows = await wallets.sql`
    select id, balance, held, status, version from wallet.wallets where id = any (${ids as string[]}::uuid[])`;
  const sagas = await wallets.sql`
    select id, status from wallet.transfer_sagas where sender_wallet_id = any (${ids as string[]}::uuid[])`;
  return {
    rows: [...rows].map((row) => ({ ...row })).toSorted(byId),
    sagas: [...sagas].map((row) => ({ ...row })).toSorted(byId),
  };
}

async function storedEvents(ids: readonly string[]) {
  const rows = await wallets.sql<{ payload: Record<string, unknown> }[]>`
    select payload from wallet.outbox where aggregate_id = any (${ids as string[]}::uuid[]) order by id`;
  return rows.map(({ payload }) => {
    const { type, posting, wallet_id, wallet_version, amount, balance_after, held_after } = payload;
    const { transaction_id, transfer_id, counterparty_wallet_id } = payload;
    const ids = { transaction_id, transfer_id, counterparty_wallet_id };
    return { type, posting, wallet_id, wallet_version, amount, balance_after, held_after, ...ids };
  });
}

function byId(a: { id?: string }, b: { id?: string }): number {
  return (a.id ?? "") < (b.id ?? "") ? -1 : 1;
}
