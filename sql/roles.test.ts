import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import postgres from "postgres";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";

/**
 * What the services' roles must not be able to do, tried by logins that have nothing but such a role, as a deployment should give
 * them (docs/operations.md). Whoever gets hold of a service's connection has this much, and no more.
 */

const DENIED = "42501";

type Service = "wallet" | "history";

let database: TestDatabase;
let owner: postgres.Sql;
const logins: Partial<Record<Service, { readonly name: string; readonly sql: postgres.Sql }>> = {};

beforeAll(async () => {
  database = await createDatabase("roles");
  owner = postgres(database.url, { max: 1, onnotice: () => undefined });
  for (const service of ["wallet", "history"] as const) {
    const name = `${service}_${crypto.randomUUID().slice(0, 8)}`;
    await owner.unsafe(`create role ${name} login password 'secret' in role ${service}_app`);
    const url = new URL(database.url);
    url.username = name;
    url.password = "secret";
    const connection = { search_path: service, role: `${service}_app` };
    logins[service] = { name, sql: postgres(url.href, { max: 1, onnotice: () => undefined, connection }) };
  }
  await owner`
    insert into wallet.wallets values
      ('01890000-0000-7000-8000-000000000001', 'alice', 'USD', 5, 0, 'ACTIVE', 1, now(), now())`;
});

afterAll(async () => {
  for (const { name, sql } of Object.values(logins)) {
    await sql.end();
    await owner.unsafe(`drop role ${name}`);
  }
  await owner.end();
  await database.drop();
});

/** The server's word for it: the SQLSTATE, or `allowed`. */
async function attempt(service: Service, statement: string): Promise<string> {
  const login = logins[service];
  if (login === undefined) throw new Error("there is no login");
  try {
    // Simple, so that it may be anything; in a transaction, so that what is allowed leaves nothing behind.
    await login.sql.begin((tx) => tx.unsafe(statement).then(() => Promise.reject(new Error("allowed"))));
    return "allowed";
  } catch (error) {
    if (error instanceof Error && error.message === "allowed") return "allowed";
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function expectDenied(service: Service, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    expect([service, statement, await attempt(service, statement)]).toEqual([service, statement, DENIED]);
  }
}

async function tablesOf(schema: Service): Promise<string[]> {
  const rows = await owner<{ name: string }[]>`
    select c.oid::regclass::text as name from pg_class c
     where c.relnamespace = ${schema}::regnamespace and c.relkind in ('r', 'p', 'v') order by 1`;
  return rows.map(({ name }) => name);
}

async function functionsOf(schema: Service): Promise<string[]> {
  const rows = await owner<{ name: string }[]>`
    select format('%s(%s)', p.oid::regproc,
             (select string_agg('null::' || format_type(t, null), ', ' order by place)
                from unnest(p.proargtypes) with ordinality as a(t, place))) as name
      from pg_proc p where p.pronamespace = ${schema}::regnamespace and p.prorettype <> 'trigger'::regtype order by 1`;
  return rows.map(({ name }) => name);
}

const OTHER = { wallet: "history", history: "wallet" } as const;

/** Who may do what with the tables and functions of a schema. */
async function rightsIn(sql: postgres.Sql | postgres.TransactionSql, schema: Service): Promise<readonly unknown[]> {
  return sql`
    select relname, relacl::text from pg_class where relnamespace = ${schema}::regnamespace
    union all select oid::regprocedure::text, proacl::text from pg_proc where pronamespace = ${schema}::regnamespace
    union all select nspname, nspacl::text from pg_namespace where oid = ${schema}::regnamespace order by 1`;
}

describe.each(["wallet", "history"] as const)("the %s service's role", (service) => {
  const other = OTHER[service];

  test("is the one that tries: it may do what a service does", async () => {
    const table = service === "wallet" ? "wallets" : "transaction_events";
    expect(await attempt(service, `select * from ${table}`)).toBe("allowed");
    expect(await attempt(service, "select release_lease(0)")).toBe("allowed");
  });

  test("has no way into the other's schema, neither to a table nor to a function", async () => {
    const tables = await tablesOf(other);
    expect(tables.length).toBeGreaterThan(8);
    await expectDenied(service, [
      ...tables.map((table) => `select from ${table}`),
      ...tables.map((table) => `delete from ${table}`),
      ...(await functionsOf(other)).map((call) => `select ${call}`),
      `create table ${other}.mine (a int)`,
      `set local role ${other}_app`,
    ]);
  });

  test("cannot empty, drop, lock or alter any table of its own", async () => {
    const tables = await tablesOf(service);
    await expectDenied(
      service,
      tables
        .flatMap((table) => [
          `truncate ${table} cascade`,
          `drop table ${table}`,
          `alter table ${table} disable trigger all`,
          `alter table ${table} add column mine int`,
          `alter table ${table} owner to ${service}_app`,
          `create trigger mine before insert on ${table} execute function refuse_change()`,
          `create index on ${table} ((1))`,
          `create rule mine as on insert to ${table} do instead nothing`,
          `create policy mine on ${table}`,
        ])
        .filter((statement) => !/refuse_change/.test(statement) || service === "history"),
    );
  });

  test("makes nothing of its own, and changes no function", async () => {
    const functions = (await functionsOf(service)).map((call) => call.slice(0, call.indexOf("(")));
    await expectDenied(service, [
      `create table ${service}.mine (a int)`,
      `create view ${service}.mine as select 1`,
      `create function ${service}.mine() returns int language sql as 'select 1'`,
      `create type ${service}.mine as (a int)`,
      "create schema mine",
      "create table public.mine (a int)",
      `alter schema ${service} owner to ${service}_app`,
      ...functions.flatMap((name) => [
        `alter function ${name} owner to ${service}_app`,
        `alter function ${name} reset search_path`,
        `alter function ${name} security definer`,
        `drop function ${name}`,
      ]),
    ]);
  });

  test("gives nobody what it has", async () => {
    await logins[service]?.sql.begin(async (tx) => {
      const before = await rightsIn(tx, service);
      for (const what of [
        "table outbox",
        "table dead_letters",
        `all functions in schema ${service}`,
        `schema ${service}`,
      ]) {
        // Where the server does not refuse, it warns that it has granted nothing.
        await tx
          .savepoint((part) => part.unsafe(`grant all on ${what} to public, ${other}_app`))
          .catch(() => undefined);
      }
      expect(before.length).toBeGreaterThan(20);
      expect(await rightsIn(tx, service)).toEqual(before);
    });
  });

  test("cannot become somebody else, switch off triggers, or reach the server's files, programs and sessions", async () => {
    const [{ current_user: boss = "" } = {}] = await owner`select current_user`;
    await expectDenied(service, [
      `set local role ${boss}`,
      `set session authorization ${boss}`,
      "set local session_replication_role = replica",
      `alter role ${service}_app superuser`,
      "create role mine superuser",
      "copy (select 1) to program 'true'",
      "copy outbox (payload) from program 'true'",
      "copy (select 1) to '/tmp/mine'",
      "copy outbox (payload) from '/etc/passwd'",
      "select pg_read_file('/etc/passwd')",
      "select pg_ls_dir('/')",
      "select lo_import('/etc/passwd')",
      "select pg_reload_conf()",
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_setting('is_superuser') or usesysid = 10",
      "select * from pg_authid",
      "create extension dblink",
      "create event trigger mine on ddl_command_end execute function mine()",
    ]);
    // Outside of a transaction, where alone they could succeed.
    for (const statement of ["alter system set fsync = off", "create database mine", "checkpoint"]) {
      const told = await logins[service]?.sql.unsafe(statement).catch((error: { code?: string }) => error.code);
      expect([statement, told]).toEqual([statement, DENIED]);
    }
  });

  test("the outbox and the dead letters keep what was written: nothing is changed, removed or predated", async () => {
    await expectDenied(service, [
      "update outbox set payload = '{}'",
      "delete from outbox",
      "insert into outbox (id, event_id, aggregate_id, type, payload) overriding system value values (1, uuidv7(), uuidv7(), 'X', '{}')",
      "insert into outbox (xid, event_id, aggregate_id, type, payload) values ('3', uuidv7(), uuidv7(), 'X', '{}')",
      "insert into outbox (created_at, event_id, aggregate_id, type, payload) values (now(), uuidv7(), uuidv7(), 'X', '{}')",
      "update dead_letters set value = null",
      "update dead_letters set reason = ''",
      "delete from dead_letters",
      "insert into relay_state default values",
      "delete from relay_state",
      "update schema_compatibility set lowest_code_version = 0",
      "insert into schema_migrations (name, sha256) values ('9999', '')",
      "update schema_functions set sha256 = ''",
      "select republish(0, null)",
    ]);
  });
});

describe("only functions write", () => {
  test("a balance, a line, a key, an event: none of it by itself", async () => {
    await expectDenied("wallet", [
      "update wallets set balance = balance + 1",
      "update wallets set held = 0, version = version + 1",
      "update wallets set status = 'ACTIVE'",
      "insert into wallets select uuidv7(), user_id, currency, 5, 0, status, 1, now(), now() from wallets",
      "insert into wallet_transactions (id) values (uuidv7())",
      "insert into transfer_sagas (id) values (uuidv7())",
      "update transfer_sagas set status = 'SUCCESS'",
      "insert into idempotency_keys (key) values ('mine')",
      "delete from idempotency_keys",
      "insert into outbox (event_id, aggregate_id, type, payload) values (uuidv7(), uuidv7(), 'X', '{}')",
    ]);
    await expectDenied("history", [
      "insert into transaction_events (id) values (uuidv7())",
      "update stream_positions set last_position = 0",
      "insert into gaps (wallet_id, from_version, to_version) values (uuidv7(), 1, 1)",
      "delete from gaps",
      "insert into ledger_accounts (id) values ('x')",
      "update ledger_accounts set balance = 0",
      "update ledger_accounts set frozen = false",
      "insert into ledger_entries (id) values (uuidv7())",
      "update ledger_totals set debits = 0",
      "insert into ledger_decisions (transaction_id) values (uuidv7())",
      "delete from ledger_backlog",
      "insert into outbox (event_id, aggregate_id, type, payload) values (uuidv7(), uuidv7(), 'X', '{}')",
    ]);
  });
});

describe("what has happened stays", () => {
  test("lines, keys and sagas of the wallet", async () => {
    await expectDenied("wallet", [
      "update wallet_transactions set amount = 1",
      "update wallet_transactions set status = 'COMPLETED'",
      "delete from wallet_transactions",
      "delete from wallets",
      "update wallets set id = uuidv7()",
      "update wallets set user_id = 'mallory'",
      "update wallets set currency = 'EUR'",
      "update wallets set created_at = now()",
      "delete from transfer_sagas",
      "update transfer_sagas set amount = 1",
      "update transfer_sagas set receiver_wallet_id = sender_wallet_id",
      "update idempotency_keys set response = '{}'",
      "update idempotency_keys set fingerprint = ''",
    ]);
  });

  test("events, entries and decisions of the history", async () => {
    await expectDenied("history", [
      "update transaction_events set amount = 1",
      "delete from transaction_events",
      "update ledger_entries set amount = 1",
      "delete from ledger_entries",
      "update ledger_decisions set outcome = 'SUCCESS'",
      "delete from ledger_decisions",
      "delete from ledger_accounts",
      "update ledger_accounts set currency = 'EUR'",
      "update ledger_accounts set id = 'x'",
      "delete from ledger_totals",
      "delete from stream_positions",
      "update gaps set to_version = 9",
      "select fill_ledger()",
    ]);
  });

  test("even for the owner, where the record is append-only", async () => {
    for (const table of ["history.transaction_events", "history.ledger_entries", "history.ledger_decisions"]) {
      for (const statement of [
        `update ${table} set created_at = now()`,
        `delete from ${table}`,
        `truncate ${table} cascade`,
      ]) {
        const told = await owner.unsafe(statement).catch((error: Error) => error.message);
        expect([statement, told]).toEqual([statement, expect.stringContaining("append-only")]);
      }
    }
  });
});

describe("functions that run with their owner's rights", () => {
  interface Definer {
    readonly name: string;
    readonly owner: string;
    readonly settings: string[];
    readonly callers: string[];
  }

  const definers = () =>
    owner<Definer[]>`
      select p.oid::regproc::text as name, pg_get_userbyid(p.proowner) as owner, p.proconfig as settings,
             array(select a.grantee::regrole::text from aclexplode(p.proacl) a where a.grantee <> p.proowner order by 1) as callers
        from pg_proc p
       where p.pronamespace in ('wallet'::regnamespace, 'history'::regnamespace) and p.prosecdef
       order by 1`;

  test("are few, looked through, and called by their service alone", async () => {
    const [{ current_user: boss = "" } = {}] = await owner`select current_user`;
    const found = await definers();
    const ofBoth = ["create_outbox_days", "drop_outbox_days"];
    const writers = {
      history: ["continue_ledger", "freeze_account", "record_events", "record_traced_events", "repeat_decisions"],
      wallet: ["apply_operations", "remove_expired_keys", "resend_reservations"],
    };
    const expected = Object.entries(writers).flatMap(([schema, own]) =>
      [...ofBoth, ...own].map((name) => `${schema}.${name}`),
    );
    expect(found.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
    for (const { name, owner: owned_by, settings, callers } of found) {
      const schema = name.split(".")[0] ?? "";
      expect(owned_by).toBe(boss);
      expect(settings).toContain(`search_path=${schema}, pg_catalog, pg_temp`);
      expect(callers).toEqual([`${schema}_app`]);
    }
  });

  test("take no table of the caller for one of theirs", async () => {
    // A temporary table of the same name, which an unpinned search path would find first.
    const trap = `
      create temp table relay_state (republish_from_id bigint, last_snapshot pg_snapshot);
      insert into relay_state values (null, '1000000:1000000:');
      set local search_path = pg_temp, wallet;
      select wallet.drop_outbox_days(0)`;
    const before = await tablesOf("wallet");
    expect(await attempt("wallet", trap)).toBe("allowed");
    expect(await tablesOf("wallet")).toEqual(before);
  });
});
