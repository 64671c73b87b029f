/** What a measurement was made on. */
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import type postgres from "postgres";
import { generatorName } from "./load/closed.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory_gb: number;
  readonly system: string;
  /** One, five and fifteen minutes, at the start. */
  readonly load_average: readonly number[];
  readonly bun: string;
  readonly postgres: string;
  readonly kafka: string;
  readonly generator: string;
  /** Settings of PostgreSQL that matter to a commit. */
  readonly settings: Readonly<Record<string, string>>;
}

const SETTINGS = [
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "wal_sync_method",
  "shared_buffers",
  "max_wal_size",
  "checkpoint_timeout",
  "wal_compression",
  "autovacuum",
  "jit",
  "max_connections",
];

export async function describeMachine(sql: postgres.Sql, kafka: string): Promise<Machine> {
  const [version] = await sql<{ version: string }[]>`select current_setting('server_version') as version`;
  const rows = await sql<{ name: string; value: string }[]>`
    select name, current_setting(name) as value from pg_settings where name = any (${SETTINGS}) order by name`;
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 1e9),
    system: `${platform()} ${release()} ${arch()}`,
    load_average: loadavg().map((load) => Math.round(load * 100) / 100),
    bun: Bun.version,
    postgres: version?.version ?? "unknown",
    kafka,
    generator: generatorName(),
    settings: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
  };
}

/** The version of the local broker, which its pom.xml pins. */
export async function brokerVersion(): Promise<string> {
  const pom = await Bun.file(join(import.meta.dir, "../dev/pom.xml")).text();
  return `Apache Kafka ${/kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? "of unknown version"}`;
}
