import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import postgres from "postgres";
import * as historySchema from "../shared/schema/history.ts";
import * as walletSchema from "../shared/schema/wallet.ts";
import { createDatabase, type TestDatabase } from "../test/cluster.ts";
import { describeDatabase, SCHEMA_FILE } from "./describe.ts";

let database: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createDatabase("schema");
  sql = postgres(database.url, { max: 1 });
});

afterAll(async () => {
  await sql.end();
  await database.drop();
});

describe("sql/schema.sql", () => {
  test("is what the catalog of a fresh database says; `bun sql/describe.ts` writes it anew", async () => {
    expect(await describeDatabase(sql)).toBe(await Bun.file(SCHEMA_FILE).text());
  });
});

/** Tables that only SQL functions and commands of operators touch, so that no Drizzle table is needed. */
const SQL_ONLY = new Set([
  "wallet.dead_letters",
  "history.ledger_decisions",
  "history.ledger_backlog",
  ...["wallet", "history"].flatMap((schema) =>
    ["outbox", "outbox_default", "relay_state", "schema_migrations", "schema_functions", "schema_compatibility"].map(
      (table) => `${schema}.${table}`,
    ),
  ),
]);
/** One for each day. */
const OUTBOX_DAY = /\.outbox_\d{8}$/;

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly not_null: boolean;
  readonly in_primary_key: boolean;
}

function columnsOfDatabase(): Promise<Column[]> {
  return sql<Column[]>`
    select
      n.nspname || '.' || t.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
      a.attnotnull as not_null, coalesce(a.attnum = any (k.conkey), false) as in_primary_key
    from pg_attribute a
    join pg_class t on t.oid = a.attrelid and t.relkind in ('r', 'p')
    join pg_namespace n on n.oid = t.relnamespace and n.nspname in ('wallet', 'history')
    left join pg_constraint k on k.conrelid = t.oid and k.contype = 'p'
    where a.attnum > 0 and not a.attisdropped`;
}

function columnsOfDrizzle(): Column[] {
  const tables = [...Object.values(walletSchema), ...Object.values(historySchema)].filter((each) => is(each, PgTable));
  return tables.flatMap((table) => {
    const { schema, name, columns, primaryKeys } = getTableConfig(table);
    return columns.map((column) => ({
      table: `${schema}.${name}`,
      column: column.name,
      type: column.getSQLType().replace(/\((\d+), (\d+)\)/, "($1,$2)"),
      not_null: column.notNull,
      in_primary_key: column.primary || primaryKeys.some((key) => key.columns.some(({ name }) => name === column.name)),
    }));
  });
}

const byName = (columns: readonly Column[]) =>
  Object.fromEntries(columns.map(({ table, column, ...rest }) => [`${table}.${column}`, rest] as const));

describe("shared/schema, Drizzle's view of the database", () => {
  test("has every table and column of the database, and no other, with its type, nullability and primary key", async () => {
    const seen = (await columnsOfDatabase()).filter(({ table }) => !SQL_ONLY.has(table) && !OUTBOX_DAY.test(table));
    expect(byName(columnsOfDrizzle())).toEqual(byName(seen));
  });

  test("calls each column in TypeScript what it is called in SQL", () => {
    for (const table of [...Object.values(walletSchema), ...Object.values(historySchema)]) {
      if (!is(table, PgTable)) continue;
      for (const { name } of getTableConfig(table).columns) expect(table).toHaveProperty(name);
    }
  });

  test("leaves out only tables that exist", async () => {
    const tables = new Set((await columnsOfDatabase()).map(({ table }) => table));
    expect([...SQL_ONLY].filter((table) => !tables.has(table))).toEqual([]);
  });
});

describe("a database explains itself", () => {
  test("every table, type and view of ours has a comment", async () => {
    const bare = await sql`
      select c.oid::regclass::text as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('wallet', 'history')
      where c.relkind in ('r', 'p', 'v', 'm') and c.relname !~ '^outbox_[0-9]{8}$' and obj_description(c.oid, 'pg_class') is null
      union all
      select t.oid::regtype::text
      from pg_type t
      join pg_namespace n on n.oid = t.typnamespace and n.nspname in ('wallet', 'history')
      join pg_class r on r.oid = t.typrelid and r.relkind = 'c'
      where obj_description(t.oid, 'pg_type') is null`;
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});

describe("least privilege", () => {
  test("neither service can reach the other's schema, and neither may change the audit trail or lines", async () => {
    const can = async (role: string, privilege: string, table: string) => {
      const [row] = await sql<{ can: boolean }[]>`
        select has_schema_privilege(${role}, ${table.split(".")[0] ?? ""}, 'usage')
          and has_table_privilege(${role}, ${table}, ${privilege}) as can`;
      return row?.can;
    };
    expect(await can("wallet_app", "select", "wallet.wallets")).toBe(true);
    expect(await can("history_app", "select", "wallet.wallets")).toBe(false);
    expect(await can("wallet_app", "select", "history.transaction_events")).toBe(false);
    for (const privilege of ["update", "delete", "truncate"]) {
      expect(await can("wallet_app", privilege, "wallet.wallet_transactions")).toBe(false);
      expect(await can("history_app", privilege, "history.transaction_events")).toBe(false);
    }
  });

  test("no function is open to everyone, save those that only a trigger can call", async () => {
    const open = await sql`
      select f.oid::regprocedure::text as name
      from pg_proc f
      join pg_namespace n on n.oid = f.pronamespace and n.nspname in ('wallet', 'history')
      cross join lateral aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
      where a.grantee = 0 and f.prorettype <> 'trigger'::regtype`;
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  test("every function is pinned to its schema, with temporary tables last", async () => {
    const loose = await sql`
      select f.oid::regprocedure::text as name
      from pg_proc f
      join pg_namespace n on n.oid = f.pronamespace and n.nspname in ('wallet', 'history')
      where not coalesce(f.proconfig, '{}') @> array['search_path=' || n.nspname || ', pg_catalog, pg_temp']`;
    expect(loose.map(({ name }) => name)).toEqual([]);
  });
});
