import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { startPostgres } from "../../dev/postgres.ts";
import type { Sql } from "../../shared/database.ts";
import { migrate } from "../migrate.ts";

/** Reads a migrated database that exists for this one call, on a PostgreSQL that does too. */
export async function withFreshDatabase<T>(read: (sql: Sql) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "wallet-schema-"));
  const server = await startPostgres({ dataDir: folder, temporary: true });
  const sql = postgres(server.url, { max: 1 });
  try {
    await migrate({ wallet: server.url, history: server.url }, { info: () => undefined });
    return await read(sql);
  } finally {
    await sql.end({ timeout: 1 });
    await server.stop("immediate");
    await rm(folder, { recursive: true, force: true });
  }
}
