import {
  type EventType,
  isLedgerType,
  type LedgerEvent,
  type LedgerEventType,
  type WalletEvent,
  type WalletEventType,
} from "../shared/events.ts";

/** One example of each event, out of one story: Alice funds her wallet, pays Bob, and starts a saga that the ledger decides. */

const ALICE = "01956f2a-0000-7000-8000-00000000a11c";
const BOB = "01956f2a-0000-7000-8000-0000000000b0";
const TRANSFER = "01956f2a-0000-7000-8000-00000000f001";
const SAGA = "01956f2a-0000-7000-8000-00000000f002";

const common = {
  wallet_id: ALICE,
  user_id: "alice",
  transaction_id: null,
  transfer_id: null,
  counterparty_wallet_id: null,
  amount: "0.0000",
  currency: "USD",
  balance_after: "0.0000",
  held_after: "0.0000",
  posting: "NONE",
  description: null,
  reference: null,
} as const;

const rent = { description: "Rent for March", reference: "invoice-2026-03" };

const wallet: Record<WalletEventType, Omit<WalletEvent, "id" | "type" | "occurred_at">> = {
  WALLET_CREATED: { ...common, wallet_version: 1 },
  WALLET_FUNDED: {
    ...common,
    wallet_version: 2,
    transaction_id: "01956f2a-0000-7000-8000-00000000f0fd",
    amount: "100.0000",
    balance_after: "100.0000",
    posting: "OWN",
    description: "Card •••• 4242",
    reference: "topup-17",
  },
  TRANSFER_OUT: {
    ...common,
    ...rent,
    wallet_version: 3,
    transaction_id: TRANSFER,
    transfer_id: TRANSFER,
    counterparty_wallet_id: BOB,
    amount: "40.5000",
    balance_after: "59.5000",
    posting: "OWN",
  },
  TRANSFER_IN: {
    ...common,
    ...rent,
    wallet_id: BOB,
    user_id: "bob",
    wallet_version: 2,
    transaction_id: "01956f2a-0000-7000-8000-00000000f101",
    transfer_id: TRANSFER,
    counterparty_wallet_id: ALICE,
    amount: "40.5000",
    balance_after: "40.5000",
    posting: "OWN",
  },
  WALLET_WITHDRAWN: {
    ...common,
    wallet_version: 4,
    transaction_id: "01956f2a-0000-7000-8000-00000000f0dd",
    amount: "9.5000",
    balance_after: "50.0000",
    posting: "OWN",
  },
  TRANSFER_FAILED: {
    ...common,
    wallet_version: 5,
    transaction_id: "01956f2a-0000-7000-8000-00000000fa11",
    transfer_id: "01956f2a-0000-7000-8000-00000000fa11",
    counterparty_wallet_id: BOB,
    amount: "1000.0000",
    balance_after: "50.0000",
  },
  WALLET_RESERVED: {
    ...common,
    wallet_version: 6,
    transaction_id: SAGA,
    transfer_id: SAGA,
    counterparty_wallet_id: BOB,
    amount: "30.0000",
    balance_after: "50.0000",
    held_after: "30.0000",
    posting: "SAGA",
  },
  RESERVATION_RELEASED: {
    ...common,
    wallet_version: 7,
    transaction_id: SAGA,
    transfer_id: SAGA,
    counterparty_wallet_id: BOB,
    amount: "30.0000",
    balance_after: "50.0000",
  },
  WALLET_FROZEN: { ...common, wallet_version: 8, balance_after: "50.0000" },
  WALLET_UNFROZEN: { ...common, wallet_version: 9, balance_after: "50.0000" },
};

const decided = {
  transaction_id: SAGA,
  wallet_id: ALICE,
  receiver_wallet_id: BOB,
  amount: "30.0000",
  currency: "USD",
};
const ledger: Record<LedgerEventType, Omit<LedgerEvent, "id" | "type" | "occurred_at">> = {
  LEDGER_SUCCESS: { ...decided, reason: null },
  LEDGER_FAILED: { ...decided, reason: "account_frozen" },
};

/** The example of a type, with its fields in the order of its schema. */
export function exampleOf(type: EventType): WalletEvent | LedgerEvent {
  const types = [...Object.keys(wallet), ...Object.keys(ledger)];
  const ordinal = String(types.indexOf(type));
  const id = `01956f2a-0000-7000-8000-0000000e${ordinal.padStart(4, "0")}`;
  const occurred_at = `2026-03-01T09:30:${ordinal.padStart(2, "0")}.123456Z`;
  return isLedgerType(type) ? { id, type, ...ledger[type], occurred_at } : { id, type, ...wallet[type], occurred_at };
}
