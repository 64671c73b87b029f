import { t } from "elysia";
import { exact, uuid } from "../shared/http/fields.ts";
import type { AccountRow, BalanceRow, EntryRow } from "./ledger-queries.ts";
import { listOf } from "./models.ts";

/** The wire of the ledger's routes. */

const signedMoney = t.String({ pattern: "^-?(0|[1-9]\\d*)\\.\\d{4}$", examples: ["-10.5000"] });
const instant = t.String({ format: "date-time", examples: ["2026-01-31T12:00:00.000000Z"] });
const id = t.String({ format: "uuid" });
const accountId = t.String({ examples: ["external:USD"] });
const nullable = (schema: typeof id) => t.Union([schema, t.Null()]);

/** Path of an account: a wallet's id, or a kind of account and a currency. */
export const accountPath = exact({
  id: t.String({
    pattern: `${uuid.pattern}|^(external|clearing):[A-Z]{3}$`,
    "x-rule": "must be a wallet's id, external:<currency> or clearing:<currency>",
    examples: ["01890000-0000-7000-8000-000000000001"],
  }),
});

export const Account = t.Object(
  {
    id: accountId,
    kind: t.Union([t.Literal("wallet"), t.Literal("external"), t.Literal("clearing")]),
    currency: t.String(),
    balance: signedMoney,
    frozen: t.Boolean(),
  },
  {
    title: "Account",
    description:
      "balance = credits - debits, so external is negative by what came in. clearing is zero when no transfer is on its way.",
  },
);
export type Account = typeof Account.static;

export const Entry = t.Object(
  {
    id,
    transaction_id: id,
    transfer_id: nullable(id),
    account_id: accountId,
    direction: t.Union([t.Literal("DEBIT"), t.Literal("CREDIT")]),
    amount: signedMoney,
    balance_after: nullable(signedMoney),
    created_at: instant,
  },
  { title: "Entry", description: "One side of a posting. balance_after is null for external and clearing." },
);
export type Entry = typeof Entry.static;
export const EntryList = listOf(Entry);

export const LedgerTransaction = t.Object(
  { id, entries: t.Array(Entry) },
  { title: "LedgerTransaction", description: "All entries of one movement of money. Debits and credits are equal." },
);

export const TrialBalance = t.Object(
  {
    items: t.Array(
      t.Object({
        currency: t.String(),
        debits: signedMoney,
        credits: signedMoney,
        difference: signedMoney,
        external: signedMoney,
        clearing: signedMoney,
        wallets: signedMoney,
      }),
    ),
  },
  {
    title: "TrialBalance",
    description: "Per currency: difference = debits - credits, always zero; external + clearing + wallets is zero too.",
  },
);
export type TrialBalance = typeof TrialBalance.static;

export function toAccount({ id, kind, currency, balance, frozen }: AccountRow): Account {
  return { id, kind, currency, balance, frozen };
}

export function toEntry(row: EntryRow): Entry {
  const { id, transaction_id, transfer_id, account_id, direction, amount, balance_after, created_at } = row;
  return { id, transaction_id, transfer_id, account_id, direction, amount, balance_after, created_at };
}

export function toTrialBalance(rows: readonly BalanceRow[]): TrialBalance {
  return { items: [...rows] };
}

const WALLET = "01890000-0000-7000-8000-000000000001";
const FUNDING = "01890000-0000-7000-8000-000000000011";
const CREDIT = {
  id: "01890000-0000-7000-8000-000000000041",
  transaction_id: FUNDING,
  transfer_id: null,
  account_id: WALLET,
  direction: "CREDIT",
  amount: "10.5000",
  balance_after: "110.5000",
  created_at: "2026-01-31T12:00:00.040000Z",
} satisfies Entry;
const DEBIT = {
  ...CREDIT,
  id: "01890000-0000-7000-8000-000000000042",
  account_id: "external:USD",
  direction: "DEBIT",
  balance_after: null,
} satisfies Entry;

export const LEDGER_EXAMPLES = {
  account: { id: WALLET, kind: "wallet", currency: "USD", balance: "110.5000", frozen: false } satisfies Account,
  entry: CREDIT,
  transaction: { id: FUNDING, entries: [CREDIT, DEBIT] },
  trial_balance: {
    items: [
      {
        currency: "USD",
        debits: "150.0000",
        credits: "150.0000",
        difference: "0.0000",
        external: "-110.5000",
        clearing: "0.0000",
        wallets: "110.5000",
      },
    ],
  } satisfies TrialBalance,
} as const;
