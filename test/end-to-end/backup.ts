/** A PostgreSQL of a test's own with its backups, as an operator makes them: a base copy with archived WAL, and a dump. */
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type RunningPostgres, startPostgres } from "../../dev/postgres.ts";
import { until } from "../cluster.ts";

/** Small, because several of them run beside the servers that all tests share. */
const SMALL = { shared_buffers: "64MB", max_connections: "60" };
const ARCHIVED_WITHIN_MS = 20_000;

export interface Backup {
  /** The data folder's copy, as the server that is restored from it finds it. */
  readonly data: string;
  /** The folder of the archived WAL. */
  readonly archive: string;
  readonly password: string;
}

/** A server that archives its WAL into a folder beside its data. */
export function startArchiving(folder: string): Promise<RunningPostgres> {
  const archive = join(folder, "archive");
  mkdirSync(archive, { recursive: true });
  // The server that writes there is another user's where this process is root's.
  chmodSync(archive, 0o777);
  const settings = { ...SMALL, archive_mode: "on", archive_command: `test ! -f ${archive}/%f && cp %p ${archive}/%f` };
  return startPostgres({ dataDir: folder, temporary: true, settings });
}

/** A server without any data, with a system identifier of its own. */
export function startEmpty(folder: string): Promise<RunningPostgres> {
  return startPostgres({ dataDir: folder, temporary: true, settings: SMALL });
}

/** What `pg_basebackup` does, by the functions behind it (PostgreSQL 18, 25.3.4): the server goes on working meanwhile. */
export async function baseBackup(url: string, folder: string, to: string): Promise<Backup> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_backup_start('drill', fast => true)`;
    mkdirSync(to, { recursive: true });
    // Files that the server removes in the meantime are allowed to be missing; the WAL tells of them.
    Bun.spawnSync(["cp", "-a", join(folder, "data"), join(to, "data")], { stdio: ["ignore", "ignore", "ignore"] });
    const [stopped] = await sql<{ labelfile: string }[]>`select labelfile from pg_backup_stop()`;
    const data = join(to, "data");
    rmSync(join(data, "postmaster.pid"), { force: true });
    rmSync(join(data, "pg_wal"), { recursive: true });
    ownedAs(data, () => mkdirSync(join(data, "pg_wal"), { mode: 0o700 }), "pg_wal");
    ownedAs(data, () => writeFileSync(join(data, "backup_label"), stopped?.labelfile ?? ""), "backup_label");
    return { data, archive: join(folder, "archive"), password: join(folder, "password") };
  } finally {
    await sql.end();
  }
}

/** Everything that is committed by now is in the archive when this resolves. */
export async function archiveAll(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    const [switched] = await sql<{ file: string }[]>`select pg_walfile_name(pg_switch_wal()) as file`;
    await until(
      async () => {
        const [row] = await sql<{ done: boolean }[]>`
          select coalesce(last_archived_wal >= ${switched?.file ?? ""}, false) as done from pg_stat_archiver`;
        return row?.done === true;
      },
      { timeout_ms: ARCHIVED_WITHIN_MS, what: "the WAL is archived" },
    );
  } finally {
    await sql.end();
  }
}

/** A new server from a backup: with all that was archived, or as of the end of the backup. */
export function restore(
  { data, archive, password }: Backup,
  folder: string,
  upTo: "all" | "backup",
): Promise<RunningPostgres> {
  mkdirSync(folder, { recursive: true });
  for (const from of [data, password]) Bun.spawnSync(["cp", "-a", from, folder]);
  const copy = join(folder, "data");
  const { uid, gid } = statSync(copy);
  chownSync(folder, uid, gid);
  ownedAs(copy, () => writeFileSync(join(copy, "recovery.signal"), ""), "recovery.signal");
  const target = upTo === "backup" ? { recovery_target: "immediate", recovery_target_action: "promote" } : {};
  return startPostgres({ dataDir: folder, settings: { ...SMALL, restore_command: `cp ${archive}/%f %p`, ...target } });
}

/**
 * What `pg_dump --data-only` and `psql` do: each table's rows by COPY, then the sequences. The definitions are there already. The
 * rows go through files of the two servers, which are on one machine.
 */
export async function copyRows(fromUrl: string, toUrl: string, schema: string, folder: string): Promise<void> {
  const from = postgres(fromUrl, { max: 1, connection: { search_path: schema } });
  // As pg_restore does with --disable-triggers: an append-only table is filled, not changed.
  const to = postgres(toUrl, { max: 1, connection: { search_path: schema, session_replication_role: "replica" } });
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  try {
    // A partitioned table is copied as one, so that its rows find their places.
    const tables = await from<{ name: string }[]>`
      select c.relname as name from pg_class c
       where c.relnamespace = ${schema}::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`;
    for (const { name } of tables) {
      const file = join(folder, `${schema}.${name}.copy`);
      await from.unsafe(`copy (select * from ${name}) to '${file}'`);
      await to`delete from ${to(name)}`;
      await to.unsafe(`copy ${name} from '${file}'`);
    }
    const sequences = await from<{ name: string; last: string }[]>`
      select sequencename as name, coalesce(last_value, 1)::text as last from pg_sequences where schemaname = ${schema}`;
    for (const { name, last } of sequences) await to`select setval(${name}::regclass, ${last}::bigint)`;
  } finally {
    await Promise.all([from.end(), to.end()]);
  }
}

/** What is made in a server's folder belongs to the user that the server runs as. */
function ownedAs(folder: string, make: () => void, name: string): void {
  const { uid, gid } = statSync(folder);
  make();
  chownSync(join(folder, name), uid, gid);
}
