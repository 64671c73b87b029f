import { Elysia } from "elysia";
import type { Sql } from "../shared/database.ts";
import { describe } from "../shared/http/describe.ts";
import { exact, idPath } from "../shared/http/fields.ts";
import { decodeCursor, listParameters, page, parseLimit } from "../shared/http/lists.ts";
import { Problem } from "../shared/http/problems.ts";
import { read } from "../shared/read.ts";
import { json } from "./answer.ts";
import {
  Account,
  accountPath,
  EntryList,
  LEDGER_EXAMPLES,
  LedgerTransaction,
  TrialBalance,
  toAccount,
  toEntry,
  toTrialBalance,
} from "./ledger-models.ts";
import type { AccountRow, LedgerQueries } from "./ledger-queries.ts";

/** Freezes an account, or unfreezes it. @returns whether there is such an account */
export type FreezeAccount = (id: string, frozen: boolean) => Promise<boolean>;

export interface LedgerRoutes {
  readonly queries: LedgerQueries;
  readonly freezeAccount: FreezeAccount;
}

const TAGS = ["Ledger"];
const ACCOUNT = { tags: TAGS, answer: Account, example: LEDGER_EXAMPLES.account } as const;
const ACCOUNT_ERRORS = ["account_not_found", "unavailable"] as const;

/** {@link FreezeAccount} by the SQL function, which takes its turn with the decisions on sagas. */
export function freezeAccountWith(sql: Sql): FreezeAccount {
  return async (id, frozen) => {
    const [row] = await read(sql<{ found: boolean }[]>`select freeze_account(${id}, ${frozen}) as found`);
    return row?.found === true;
  };
}

/** Routes of the ledger: accounts, their entries, freezes, movements, trial balance. */
export function ledgerRoutes({ queries, freezeAccount }: LedgerRoutes) {
  const account = async (id: string): Promise<AccountRow> => {
    const row = await queries.account(id);
    if (row === undefined) throw new Problem("account_not_found");
    return row;
  };
  const setFrozen = async (id: string, frozen: boolean): Promise<Response> => {
    if (!(await freezeAccount(id, frozen))) throw new Problem("account_not_found");
    return json(toAccount(await account(id)));
  };
  return new Elysia()
    .get("/ledger/accounts/:id", async ({ params }) => json(toAccount(await account(accountIdOf(params)))), {
      params: accountPath,
      ...describe({
        ...ACCOUNT,
        operationId: "getLedgerAccount",
        summary: "Read an account of the ledger",
        description:
          "A wallet's account has the wallet's id; the others are external:<currency> and clearing:<currency>.",
        errors: ACCOUNT_ERRORS,
      }),
    })
    .post("/ledger/accounts/:id/freeze", ({ params }) => setFrozen(accountIdOf(params), true), {
      params: accountPath,
      ...describe({
        ...ACCOUNT,
        operationId: "freezeLedgerAccount",
        role: "admin",
        summary: "Freeze an account of the ledger",
        description:
          "The ledger then refuses sagas from and to it (account_frozen). The wallet itself is not frozen. Repeated: the same answer.",
        example: { ...LEDGER_EXAMPLES.account, frozen: true },
        requestHeaders: ["Idempotency-Key"],
        errors: ACCOUNT_ERRORS,
      }),
    })
    .post("/ledger/accounts/:id/unfreeze", ({ params }) => setFrozen(accountIdOf(params), false), {
      params: accountPath,
      ...describe({
        ...ACCOUNT,
        operationId: "unfreezeLedgerAccount",
        role: "admin",
        summary: "Unfreeze an account of the ledger",
        description: "What was refused meanwhile stays refused. Repeated: the same answer.",
        requestHeaders: ["Idempotency-Key"],
        errors: ACCOUNT_ERRORS,
      }),
    })
    .use(entryRoutes(queries, account));
}

function entryRoutes(queries: LedgerQueries, account: (id: string) => Promise<AccountRow>) {
  return new Elysia()
    .get(
      "/ledger/accounts/:id/entries",
      async ({ params, query }) => {
        const account_id = accountIdOf(params);
        const limit = parseLimit(query.limit);
        const list = { list: "ledger-entries", filters: { account_id }, columns: ["id"] } as const;
        const [after] = query.cursor === undefined ? [] : decodeCursor(query.cursor, list);
        await account(account_id);
        const rows = await queries.entriesOfAccount(account_id, after, limit + 1);
        const { items, next_cursor } = page(rows, limit, list, (row) => [row.id]);
        return json({ items: items.map(toEntry), next_cursor });
      },
      {
        params: accountPath,
        query: exact(listParameters),
        ...describe({
          operationId: "listLedgerEntries",
          summary: "List the entries of an account",
          description: "Newest first.",
          tags: TAGS,
          answer: EntryList,
          example: { items: [LEDGER_EXAMPLES.entry], next_cursor: null },
          errors: ACCOUNT_ERRORS,
        }),
      },
    )
    .get(
      "/ledger/transactions/:id",
      async ({ params }) => {
        const id = params.id.toLowerCase();
        const entries = await queries.entriesOfMovement(id);
        if (entries.length === 0) throw new Problem("transaction_not_found");
        return json({ id, entries: entries.map(toEntry) });
      },
      {
        params: idPath,
        ...describe({
          operationId: "getLedgerTransaction",
          summary: "Read the entries of a movement",
          description:
            "By the id of a line, a transfer or a saga: four entries for an instant transfer, two for anything else. They balance.",
          tags: TAGS,
          answer: LedgerTransaction,
          example: LEDGER_EXAMPLES.transaction,
          errors: ["transaction_not_found", "unavailable"],
        }),
      },
    )
    .get("/ledger/trial-balance", async () => json(toTrialBalance(await queries.trialBalance())), {
      ...describe({
        operationId: "getTrialBalance",
        summary: "Read the trial balance",
        description: "Over all accounts, per currency, of one moment.",
        tags: TAGS,
        answer: TrialBalance,
        example: LEDGER_EXAMPLES.trial_balance,
        errors: ["unavailable"],
      }),
    });
}

/** Wallets' ids are kept in lower case; the others are as they are. */
function accountIdOf({ id }: { readonly id: string }): string {
  return id.includes(":") ? id : id.toLowerCase();
}
