import { t } from "elysia";
import * as ledger from "../history/ledger-models.ts";
import * as history from "../history/models.ts";
import { Publication } from "../history/publications.ts";
import { HistoryEvent } from "../shared/events.ts";
import * as wallet from "../wallet/models.ts";

/**
 * What each operation answers, by its status. The routes answer bytes that the database has made ready, so all that their own types
 * say is `Response`; this table says the rest. The client imports no more than its types. answers.test.ts compares it with the
 * description of every route, and the tests of the examples compare what real servers answer with the schemas.
 */

const { Wallet, Transaction, Transfer, Saga } = wallet;

/** In place of a schema where there is no body. */
const NO_BODY = null;

export const WALLET_ANSWERS = {
  "POST /wallets": { 201: Wallet },
  "GET /wallets/:id": { 200: Wallet, 304: NO_BODY },
  "GET /users/:user_id/wallets": { 200: wallet.listOf(Wallet) },
  "POST /wallets/:id/freeze": { 200: Wallet },
  "POST /wallets/:id/unfreeze": { 200: Wallet },
  "POST /wallets/:id/fund": { 201: Transaction },
  "POST /wallets/:id/withdraw": { 201: Transaction },
  "POST /wallets/:id/transfer": { 201: Transfer },
  "GET /wallets/:id/transactions": { 200: wallet.listOf(Transaction) },
  "POST /transactions": { 202: Saga },
  "GET /transactions": { 200: wallet.listOf(Saga) },
  "GET /transactions/:id": { 200: t.Union([Transaction, Saga]) },
} as const;

export const HISTORY_ANSWERS = {
  "GET /wallets/:id/history": { 200: history.HistoryEventList },
  "GET /history/wallets/:id": { 200: history.HistoryEventList },
  "GET /users/:user_id/activity": { 200: history.HistoryEventList },
  "GET /history/users/:user_id": { 200: history.HistoryEventList },
  "GET /wallets/:id/balance": { 200: history.Balance },
  // A stream, of which this is what each message holds.
  "GET /events": { 200: HistoryEvent },
  "GET /events/:id/publication": { 200: Publication },
  "GET /ledger/accounts/:id": { 200: ledger.Account },
  "GET /ledger/accounts/:id/entries": { 200: ledger.EntryList },
  "POST /ledger/accounts/:id/freeze": { 200: ledger.Account },
  "POST /ledger/accounts/:id/unfreeze": { 200: ledger.Account },
  "GET /ledger/transactions/:id": { 200: ledger.LedgerTransaction },
  "GET /ledger/trial-balance": { 200: ledger.TrialBalance },
  "GET /lag": { 200: history.Lag },
  "GET /dead-letters": { 200: history.DeadLetterList },
  "GET /dead-letters/:id": { 200: history.DeadLetter },
  "POST /dead-letters/:id/replay": { 200: history.DeadLetter },
} as const;
