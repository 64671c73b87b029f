import { readdir } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { reach, type Service } from "../shared/database.ts";
import { MIGRATION_LOCK } from "../shared/migration-lock.ts";

/**
 * Brings a database to the state that this code expects: numbered migrations once each, then the repeatable functions
 * whose text has changed.
 *
 * A file's first line names its schemas (`-- schema: wallet, history`); it is run once under each one's search path, so
 * that what both services have, such as the outbox, is written once. One run at a time: everything happens on one
 * connection that holds an advisory lock, which a dying process gives back by itself.
 */

/** Another run may be at work: this long it is waited for. */
const LOCK_WAIT_MS = 120_000;

const MIGRATIONS = join(import.meta.dir, "migrations");
const FUNCTIONS = join(import.meta.dir, "functions");

/** One SQL file, as the runner applies it. */
export interface SqlFile {
  /** Path below its folder, such as `0001_wallet.sql` or `wallet/apply_operations.sql`. */
  readonly name: string;
  readonly schemas: readonly Service[];
  readonly text: string;
  readonly sha256: string;
}

/** Where each schema lives; the two may be one database. */
export interface Databases {
  readonly wallet: string;
  readonly history: string;
}

export interface Progress {
  info(fields: Record<string, unknown>, message: string): void;
}

/** What a run applies; tests give it folders of their own. */
export interface Folders {
  readonly migrations: string;
  readonly functions: string;
}

/** Applies what is missing to both schemas. Idempotent, and safe when several start at once. */
export async function migrate(
  databases: Databases,
  log: Progress,
  folders: Folders = { migrations: MIGRATIONS, functions: FUNCTIONS },
): Promise<void> {
  const migrations = await readSql(folders.migrations);
  const functions = await readSql(folders.functions);
  for (const schema of ["wallet", "history"] as const) {
    await migrateSchema(databases[schema], schema, { migrations, functions }, log);
  }
}

interface Files {
  readonly migrations: readonly SqlFile[];
  readonly functions: readonly SqlFile[];
}

async function migrateSchema(url: string, schema: Service, files: Files, log: Progress): Promise<void> {
  // Never renewed, because the lock is the session's.
  const { address, options } = reach(url);
  const sql = postgres(address, {
    ...options,
    max: 1,
    max_lifetime: null,
    onnotice: () => undefined,
    connection: {
      application_name: `migrate:${schema}`,
      // Functions keep this path. Temporary tables come last: first, as they are by default, a service's own could take the
      // place of a table that a function of the owner writes to.
      search_path: `${schema}, pg_catalog, pg_temp`,
    },
  });
  const newest = Math.max(0, ...files.migrations.map(({ name }) => numberOf(name)));
  try {
    await sql`select set_config('lock_timeout', ${String(LOCK_WAIT_MS)}, false)`;
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await sql`select set_config('lock_timeout', '0', false)`;
    await prepare(sql, schema);
    const [state] = await sql<{ newest_migration: number }[]>`select newest_migration from schema_compatibility`;
    if (state && state.newest_migration > newest) {
      log.info({ schema, ...state }, "the database is newer than this code: left as it is");
      return;
    }
    for (const file of files.migrations.filter((each) => each.schemas.includes(schema))) {
      await apply(sql, schema, file, "migration", log);
    }
    for (const file of files.functions.filter((each) => each.schemas.includes(schema))) {
      await apply(sql, schema, file, "function", log);
    }
    await finish(sql, schema, newest);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The runner's own tables, in the schema that the search path begins with. */
async function prepare(sql: postgres.Sql, schema: Service): Promise<void> {
  await sql`create schema if not exists ${sql(schema)}`;
  await sql`
    create table if not exists schema_migrations (
      name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp())`;
  await sql`comment on table schema_migrations is 'Which numbered migrations have been applied here; they are never edited.'`;
  await sql`
    create table if not exists schema_functions (
      name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp())`;
  await sql`comment on table schema_functions is 'Which text of each repeatable function is in force here.'`;
  await sql`
    create table if not exists schema_compatibility (
      singleton boolean primary key default true check (singleton),
      newest_migration integer not null default 0,
      lowest_code_version integer not null default 0)`;
  await sql`
    comment on table schema_compatibility is
      'One row: which code this schema serves. A server compares it with its own version before it takes requests.'`;
  await sql`
    comment on column schema_compatibility.newest_migration is
      'The newest migration of the run that was here last, whether or not it concerned this schema: code that needs a later one is too new.'`;
  await sql`
    comment on column schema_compatibility.lowest_code_version is
      'Code below this version is too old. A migration that drops what old code uses raises it.'`;
  await sql`insert into schema_compatibility default values on conflict do nothing`;
}

async function apply(
  sql: postgres.Sql,
  schema: Service,
  file: SqlFile,
  kind: "migration" | "function",
  log: Progress,
): Promise<void> {
  const table = kind === "migration" ? "schema_migrations" : "schema_functions";
  const done = await sql.begin(async (tx) => {
    // Free in this session; should its connection have been lost meanwhile, another run may be at work by now.
    await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    const [applied] = await tx<{ sha256: string }[]>`select sha256 from ${tx(table)} where name = ${file.name}`;
    if (applied?.sha256 === file.sha256) return false;
    if (applied && kind === "migration") {
      throw new Error(
        `The migration ${file.name} was applied to schema ${schema} in another form: migrations are never edited, add a new one.`,
      );
    }
    await tx.unsafe(file.text);
    await tx`
      insert into ${tx(schema)}.${tx(table)} (name, sha256) values (${file.name}, ${file.sha256})
      on conflict (name) do update set sha256 = excluded.sha256, applied_at = clock_timestamp()`;
    return true;
  });
  if (done) log.info({ schema, [kind]: file.name }, `${kind} applied`);
}

async function finish(sql: postgres.Sql, schema: Service, newest: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update schema_compatibility set newest_migration = ${newest} where newest_migration < ${newest}`;
    const role = `${schema}_app`;
    const [known] = await tx`select from pg_roles where rolname = ${role}`;
    if (known) await tx`grant select on schema_compatibility to ${tx(role)}`;
  });
}

/** The number that a migration's name begins with. */
export function numberOf(name: string): number {
  return Number.parseInt(name, 10);
}

/** The SQL files of a folder and the folders in it, in the order in which they are applied. */
export async function readSql(folder: string): Promise<SqlFile[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await Bun.file(join(folder, name)).text();
      return {
        name,
        schemas: schemasOf(name, text),
        text,
        sha256: new Bun.CryptoHasher("sha256").update(text).digest("hex"),
      };
    }),
  );
}

/** The schemas that the first line of an SQL file names. */
export function schemasOf(name: string, text: string): Service[] {
  const named =
    /^-- schema: ([a-z, ]+)\n/
      .exec(text)?.[1]
      ?.split(",")
      .map((part) => part.trim()) ?? [];
  const schemas = (["wallet", "history"] as const).filter((schema) => named.includes(schema));
  if (schemas.length === 0 || schemas.length !== named.length) {
    throw new Error(`${name}: the first line must name its schemas, such as "-- schema: wallet".`);
  }
  return schemas;
}

if (import.meta.main) {
  const { configOrExit } = await import("../shared/config.ts");
  const { createLog } = await import("../shared/log.ts");
  const wallet = configOrExit("wallet", ["database"]);
  const history = configOrExit("history", ["database"]);
  const log = createLog({ service: "migrate", level: wallet.logLevel, pretty: wallet.prettyLogs });
  await migrate({ wallet: wallet.databaseUrl, history: history.databaseUrl }, log);
  log.info({}, "the database is up to date");
}
