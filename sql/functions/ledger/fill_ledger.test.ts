import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tellWallet } from "../../../history/testing.ts";
import { looksOf, readChecks } from "../../../shared/checks/files.ts";
import { runLook } from "../../../shared/checks/statements.ts";
import { connectFunctions, type Sql } from "../../../shared/database.ts";
import type { WalletEvent } from "../../../shared/events.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { createDatabase, emptyDatabase, type TestDatabase } from "../../../test/cluster.ts";
import { migrate } from "../../migrate.ts";

const SQL_FOLDER = join(import.meta.dir, "../..");
const quiet = { info: () => undefined };

let databases: TestDatabase[];
/** A history whose ledger was there from the start, and one that is older than its ledger. */
let live: Sql;
let filled: Sql;

beforeAll(async () => {
  databases = [await createDatabase("ledger_live"), await emptyDatabase("ledger_filled")];
  [live, filled] = databases.map(({ url }) =>
    connectFunctions(url, { service: "history", purpose: "owner", max: 1, asOwner: true }),
  ) as [Sql, Sql];
});
afterAll(async () => {
  await Promise.all([live, filled].map((sql) => sql.end()));
  await Promise.all(databases.map((database) => database.drop()));
});

/** The files as they were before the ledger. */
async function withoutLedger(act: (folders: { migrations: string; functions: string }) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "before-ledger-"));
  const later = /000[4-6]_|apply_ledger|repeat_decisions|record_events|functions\/ledger/;
  for (const part of ["migrations", "functions"])
    await cp(join(SQL_FOLDER, part), join(folder, part), { recursive: true, filter: (path) => !later.test(path) });
  await act({ migrations: join(folder, "migrations"), functions: join(folder, "functions") });
  await rm(folder, { recursive: true });
}

/** Batches by partition: several wallets with fundings, transfers, sagas, and one with a hole. */
function story(): WalletEvent[][] {
  const wallets = Array.from({ length: 9 }, (_, at) => tellWallet(`user-${at}`));
  const currency = (at: number) => (at < 7 ? "USD" : "EUR");
  const batches = wallets.map((wallet, at) => [
    wallet.created({ currency: currency(at) }),
    wallet.funded({ currency: currency(at), amount: "100.0000" }),
  ]);
  for (let round = 0; round < 40; round += 1) {
    const [from, to] = [round % 7, (round * 3 + 1) % 7];
    if (from === to) continue;
    const [sender, receiver] = [wallets[from]!, wallets[to]!];
    const counterparty_wallet_id = receiver.wallet_id;
    if (round % 3 === 0) {
      batches[from]!.push(sender.reserved(counterparty_wallet_id, "0.7500"));
      continue;
    }
    const transfer_id = uuidv7();
    const common = { transfer_id, amount: "1.2500", posting: "OWN" } as const;
    batches[from]!.push(
      sender.event("TRANSFER_OUT", { ...common, transaction_id: transfer_id, counterparty_wallet_id }),
    );
    batches[to]!.push(
      receiver.event("TRANSFER_IN", {
        ...common,
        transaction_id: uuidv7(),
        counterparty_wallet_id: sender.wallet_id,
      }),
    );
  }
  batches[8]!.push(wallets[8]!.frozen({ currency: "EUR" }));
  wallets[8]!.funded();
  batches[8]!.push(wallets[8]!.funded({ currency: "EUR" }));
  return batches;
}

async function ledgerOf(sql: Sql) {
  const rows = async (query: string) => (await sql.unsafe(query)).map((row) => Object.values(row).join(" "));
  return {
    accounts: await rows(
      "select id, kind, currency, balance, applied_version, frozen from ledger_accounts order by id",
    ),
    // Sagas of several senders may reach a receiver in any order, so the balances between them may differ.
    entries: await rows(
      "select movement_id, transaction_id, account_id, direction, amount from ledger_entries order by 1, 2, 3, 4",
    ),
    totals: await rows(
      "select account_kind, currency, sum(debits), sum(credits) from ledger_totals group by 1, 2 order by 1, 2",
    ),
    decisions: await rows("select transaction_id, outcome, reason from ledger_decisions order by 1"),
    answers: await rows("select payload ->> 'transaction_id' from outbox order by 1"),
  };
}

describe("a history that is older than its ledger", () => {
  test("gets, when it is migrated, the ledger that it would have had from the start; again changes nothing", async () => {
    const [before = { url: "" }, after = { url: "" }] = databases;
    for (const [at, events] of story().entries())
      await live`select * from record_events(${at % 3}::int, ${JSON.stringify(events)}::text)`;
    const expected = await ledgerOf(live);
    expect(expected.decisions.length).toBeGreaterThan(5);
    expect(expected.accounts.some((account) => account.includes("EUR"))).toBe(true);

    await withoutLedger((folders) => migrate({ wallet: after.url, history: after.url }, quiet, folders));
    for (const table of ["transaction_events", "stream_positions", "gaps"]) {
      const [{ rows }] = await live.unsafe<[{ rows: string }]>(`select json_agg(t)::text as rows from ${table} t`);
      await filled.unsafe(
        `insert into ${table} select * from json_populate_recordset(null::${table}, $1::text::json)`,
        [rows],
      );
    }
    const tables = await filled`select to_regclass('ledger_entries') as entries`;
    expect(tables[0]?.entries).toBeNull();

    await migrate({ wallet: after.url, history: after.url }, quiet);
    expect(await ledgerOf(filled)).toEqual(expected);
    const checks = (await readChecks()).filter((check) => check.kind === "statements");
    for (const look of looksOf(checks.filter(({ invariant, when }) => invariant === "I7" && when === "always")))
      await filled.begin(async (tx) => {
        for (const { offending } of (await runLook(tx, look)).values()) expect(offending).toEqual([]);
      });

    await filled`select fill_ledger()`;
    expect(await ledgerOf(filled)).toEqual(expected);
    expect(before.url).not.toBe(after.url);
  });
});
