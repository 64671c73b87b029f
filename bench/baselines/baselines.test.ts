import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import postgres from "postgres";
import { check, failures } from "../../sql/check.ts";
import { createDatabase, type TestDatabase } from "../../test/cluster.ts";
import { openWallets } from "../wallets.ts";
import { createBaseline, WAYS } from "./server.ts";
import { installTransferFunction } from "./single-call.ts";
import { requestOf, type Transfer } from "./transfer.ts";

/** A comparison of ways of writing is worth something only if they write the same. */

let database: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createDatabase("baselines");
  await installTransferFunction(database.url);
  sql = postgres(database.url, { max: 1, connection: { search_path: "wallet" } });
});

afterAll(async () => {
  await sql.end();
  await database.drop();
});

async function twoWallets(): Promise<{ from: string; to: string }> {
  const [from = "", to = ""] = await openWallets(database.url, 2, () => undefined);
  return { from, to };
}

/** Everything that a transfer between the wallets has left, without what is new in each run: ids and times. */
async function rowsOf(from: string, to: string, key: string) {
  const named = sql`case id when ${from} then 'from' when ${to} then 'to' end`;
  const wallets =
    await sql`select ${named} as name, balance, held, status, version from wallets where id in (${from}, ${to}) order by 1`;
  const lines = await sql`
    select wallet_version, type, status, amount, balance_after, transfer_id is not null as joined,
           counterparty_wallet_id = case wallet_id when ${from}::uuid then ${to}::uuid else ${from}::uuid end as other_side,
           description, reference, failure_code
      from wallet_transactions where wallet_id in (${from}, ${to}) and type like 'TRANSFER%' order by type`;
  const events = await sql`
    select type, array(select json_object_keys(payload)) as members, payload ->> 'amount' as amount,
           payload ->> 'balance_after' as balance_after, payload ->> 'wallet_version' as version, payload ->> 'posting' as posting,
           payload ->> 'occurred_at' ~ '^[0-9-]{10}T[0-9:]{8}[.][0-9]{6}Z$' as has_time,
           (payload ->> 'id')::uuid = event_id as own_id
      from outbox where aggregate_id in (${from}, ${to}) and type like 'TRANSFER%' order by type`;
  const keys = await sql`
    select status_code, length(fingerprint) as bytes, array(select json_object_keys(response::json)) as members
      from idempotency_keys where key = ${key}`;
  return { wallets: [...wallets], lines: [...lines], events: [...events], keys: [...keys] };
}

const MOVED = { amount: "12.5" };

/** By the system's own function, through the server's committer-shaped call. */
async function rowsOfSystem() {
  const { from, to } = await twoWallets();
  const key = crypto.randomUUID();
  const { id, in_line_id } = { id: crypto.randomUUID(), in_line_id: crypto.randomUUID() };
  const operation = { kind: "TRANSFER", id, in_line_id, wallet_id: from, to_wallet_id: to, amount: "12.5000", key };
  const list = JSON.stringify([{ ...operation, fingerprint: "00".repeat(32), instance: "/", request_id: key }]);
  await sql`select status from apply_operations(${list}::text::json, '{}'::json)`;
  return rowsOf(from, to, key);
}

describe.each(Object.entries(WAYS))("the baseline '%s'", (_, way) => {
  let transfer: Transfer;
  beforeAll(() => {
    transfer = way(database.url, 2);
  });

  test("writes the rows that the system writes", async () => {
    const { from, to } = await twoWallets();
    const key = crypto.randomUUID();
    const answer = await transfer(requestOf(from, { to_wallet_id: to, ...MOVED }, key));
    expect(answer.status).toBe(201);
    const rows = await rowsOf(from, to, key);
    expect(rows.events).toHaveLength(2);
    expect(rows).toEqual(await rowsOfSystem());
  });

  test("answers a second use of a key from the first, and moves nothing", async () => {
    const { from, to } = await twoWallets();
    const request = requestOf(from, { to_wallet_id: to, ...MOVED }, crypto.randomUUID());
    const first = await transfer(request);
    expect(await transfer(request)).toEqual(first);
    const other = requestOf(from, { to_wallet_id: to, amount: "1" }, request.key);
    expect((await transfer(other)).status).toBe(422);
    expect((await rowsOf(from, to, request.key)).lines).toHaveLength(2);
  });

  test("loses no transfer and makes no money when many pay one wallet at once", async () => {
    const ids = await openWallets(database.url, 5, () => undefined);
    const [hot = "", ...others] = ids;
    const app = createBaseline(transfer);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        app.handle(
          new Request(`http://localhost/wallets/${others[index % others.length]}/transfer`, {
            method: "POST",
            headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
            body: JSON.stringify({ to_wallet_id: hot, amount: "1" }),
          }),
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 201));
    const [wallet] = await sql`select balance, version::int as version from wallets where id = ${hot}`;
    expect(wallet).toEqual({ balance: "1000000040.0000", version: 42 });
  });
});

describe("what the baselines have written", () => {
  test("passes the system's own checks of money", async () => {
    const report = await check({ wallet: database.url, history: database.url }, { wait_ms: 0 });
    const wrong = report.results.filter(({ name, holds }) => /^I[123]/.test(name) && !holds);
    expect(failures({ ...report, results: wrong })).toBe("");
  });
});
