import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { CODE_VERSION, ensureCompatible } from "../shared/compatibility.ts";
import { connectFunctions, type Sql } from "../shared/database.ts";
import { emptyDatabase } from "../test/cluster.ts";
import { type Folders, migrate, numberOf, readSql } from "./migrate.ts";

const REAL: Folders = {
  migrations: join(import.meta.dir, "migrations"),
  functions: join(import.meta.dir, "functions"),
};

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "migrations-"));
});

afterAll(async () => {
  await rm(scratch, { recursive: true });
});

/** A copy of the real files, to be changed. */
async function copyOfFiles(name: string): Promise<Folders> {
  const folders = { migrations: join(scratch, name, "migrations"), functions: join(scratch, name, "functions") };
  await cp(REAL.migrations, folders.migrations, { recursive: true });
  await cp(REAL.functions, folders.functions, { recursive: true });
  return folders;
}

/** Remembers what a run has applied. */
function recorder() {
  const applied: string[] = [];
  return {
    applied,
    info: (fields: Record<string, unknown>) => {
      const name = fields.migration ?? fields.function;
      if (name !== undefined) applied.push([fields.schema, name].join(" "));
    },
  };
}

/** Runs on a database of its own, with no schema in it. */
async function onEmptyDatabase(act: (url: string, sql: Sql) => Promise<void>): Promise<void> {
  const { url, drop } = await emptyDatabase("migrate");
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await act(url, sql);
  } finally {
    await sql.end();
    await drop();
  }
}

const both = (url: string) => ({ wallet: url, history: url });
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

describe("a run brings the database up to date", () => {
  test("all of it the first time, nothing the second", async () => {
    await onEmptyDatabase(async (url) => {
      const first = recorder();
      await migrate(both(url), first);
      const files = [...(await readSql(REAL.migrations)), ...(await readSql(REAL.functions))];
      expect(first.applied.length).toBe(files.flatMap(({ schemas }) => schemas).length);
      const second = recorder();
      await migrate(both(url), second);
      expect(second.applied).toEqual([]);
    });
  });

  test("each service may have a database of its own", async () => {
    await onEmptyDatabase(async (walletUrl, wallet) => {
      await onEmptyDatabase(async (historyUrl, history) => {
        await migrate({ wallet: walletUrl, history: historyUrl }, recorder());
        const schemas = (sql: Sql) =>
          sql`select to_regnamespace('wallet') as wallet, to_regnamespace('history') as history`;
        expect([...(await schemas(wallet))]).toEqual([{ wallet: "wallet", history: null }]);
        expect([...(await schemas(history))]).toEqual([{ wallet: null, history: "history" }]);
      });
    });
  });

  test("two processes that start at once do it once", async () => {
    await onEmptyDatabase(async (url, sql) => {
      const start = () =>
        Bun.spawn([process.execPath, "sql/migrate.ts"], {
          cwd: join(import.meta.dir, ".."),
          env: { PATH: process.env.PATH, DATABASE_URL: url, KAFKA_BROKERS: "localhost:1" },
          stdout: "pipe",
          stderr: "pipe",
        });
      const runs = [start(), start()];
      const outputs = await Promise.all(runs.map((run) => run.stdout.text()));
      expect(await Promise.all(runs.map((run) => run.exited))).toEqual([0, 0]);
      const applied = outputs.join("").match(/(migration|function) applied/g);
      const [recorded] = await sql`
        select (select count(*) from wallet.schema_migrations) + (select count(*) from history.schema_migrations)
          + (select count(*) from wallet.schema_functions) + (select count(*) from history.schema_functions) as count`;
      expect(String(applied?.length)).toBe(recorded?.count);
    });
  });
});

describe("migrations are never edited", () => {
  test("one that was applied in another form is refused, by name, and nothing is changed", async () => {
    await onEmptyDatabase(async (url) => {
      const folders = await copyOfFiles("edited");
      await migrate(both(url), recorder(), folders);
      const file = join(folders.migrations, "0001_wallet.sql");
      await Bun.write(file, `${await Bun.file(file).text()}\n-- A change of mind.\n`);
      const log = recorder();
      const error = await migrate(both(url), log, folders).catch(messageOf);
      expect(error).toContain("0001_wallet.sql was applied to schema wallet in another form");
      expect(log.applied).toEqual([]);
    });
  });

  test("one that fails half-way leaves nothing, and is applied once it is mended", async () => {
    await onEmptyDatabase(async (url, sql) => {
      const folders = await copyOfFiles("broken");
      await migrate(both(url), recorder(), folders);
      const file = join(folders.migrations, "9000_half.sql");
      await Bun.write(file, "-- schema: wallet\ncreate table half (id int);\nselect 1 / 0;\n");
      expect(await migrate(both(url), recorder(), folders).catch(messageOf)).toContain("division by zero");
      const [row] =
        await sql`select to_regclass('wallet.half') as half, (select max(name) from wallet.schema_migrations) as newest`;
      expect(row?.half).toBeNull();
      expect(row?.newest).not.toBe("9000_half.sql");
      await Bun.write(file, "-- schema: wallet\ncreate table half (id int);\n");
      const log = recorder();
      await migrate(both(url), log, folders);
      expect(log.applied).toEqual(["wallet 9000_half.sql"]);
    });
  });

  test("a file that does not name its schemas is refused before anything is done", async () => {
    await onEmptyDatabase(async (url, sql) => {
      const folders = await copyOfFiles("nameless");
      await Bun.write(join(folders.migrations, "9000_nameless.sql"), "-- schema: walet\nselect 1;\n");
      expect(await migrate(both(url), recorder(), folders).catch(messageOf)).toContain("9000_nameless.sql");
      const [row] = await sql`select to_regnamespace('wallet') as wallet`;
      expect(row?.wallet).toBeNull();
    });
  });
});

describe("functions follow their files", () => {
  test("one whose text has changed is applied again, the others are not", async () => {
    await onEmptyDatabase(async (url, sql) => {
      const folders = await copyOfFiles("function");
      await migrate(both(url), recorder(), folders);
      const file = join(folders.functions, "outbox/release_lease.sql");
      const text = await Bun.file(file).text();
      await Bun.write(file, text.replace("where epoch = p_epoch", "where epoch = p_epoch and true"));
      const log = recorder();
      await migrate(both(url), log, folders);
      expect(log.applied).toEqual(["wallet outbox/release_lease.sql", "history outbox/release_lease.sql"]);
      const [row] = await sql`select pg_get_functiondef('history.release_lease'::regproc) as text`;
      expect(row?.text).toContain("and true");
    });
  });

  test("code that is older than the database leaves them as they are", async () => {
    await onEmptyDatabase(async (url) => {
      const newer = await copyOfFiles("newer");
      await Bun.write(join(newer.migrations, "9000_newer.sql"), "-- schema: history\nselect 1;\n");
      await Bun.write(
        join(newer.functions, "wallet/newer.sql"),
        "-- schema: wallet\ncreate or replace function newer() returns int language sql as 'select 2';\n",
      );
      const older = await copyOfFiles("older");
      await Bun.write(
        join(older.functions, "wallet/newer.sql"),
        "-- schema: wallet\ncreate or replace function newer() returns int language sql as 'select 1';\n",
      );
      await migrate(both(url), recorder(), newer);
      const log = recorder();
      await migrate(both(url), log, older);
      expect(log.applied).toEqual([]);
    });
  });
});

describe("code and database tell each other when they do not fit", () => {
  const verdict = (sql: Sql, version?: number) =>
    ensureCompatible("wallet", version)(sql).then(() => "fits", messageOf);

  test("the code knows the newest migration", async () => {
    const newest = Math.max(...(await readSql(REAL.migrations)).map(({ name }) => numberOf(name)));
    // Whoever adds a migration raises CODE_VERSION in shared/compatibility.ts to its number.
    expect(CODE_VERSION).toBe(newest);
  });

  test("a server takes a database that fits, and says which of the two is too old", async () => {
    await onEmptyDatabase(async (url, owner) => {
      expect(await verdict(owner)).toContain("has not been migrated, this code needs migration");
      await migrate(both(url), recorder());
      const sql = connectFunctions(url, { service: "wallet", purpose: "test", max: 1 });
      expect(await verdict(sql)).toBe("fits");
      expect(await verdict(sql, CODE_VERSION + 1)).toMatch(
        /is at migration \d+, this code needs .* run `bun run migrate`/,
      );
      expect(await verdict(sql, CODE_VERSION - 1)).toBe("fits");
      await owner`update wallet.schema_compatibility set lowest_code_version = ${CODE_VERSION}`;
      expect(await verdict(sql, CODE_VERSION - 1)).toMatch(/serves code from version \d+ on, .* deploy a newer one/);
      expect(await verdict(sql)).toBe("fits");
      await sql.end();
    });
  });

  test("a role that does not exist yet is a database that has not been migrated", async () => {
    await onEmptyDatabase(async (url) => {
      const address = new URL(url);
      address.searchParams.set("role", "nobody_yet");
      const sql = postgres(address.href, { max: 1 });
      expect(await verdict(sql)).toContain("has not been migrated");
      await sql.end();
    });
  });
});
