/** The databases of a measurement: copies of a template, so that each begins with the same tables, wallets and plans. */
import postgres from "postgres";
import { migrate } from "../sql/migrate.ts";
import { installTransferFunction } from "./baselines/single-call.ts";
import { openWallets } from "./wallets.ts";

export class Databases {
  /** On the database that the address names, as the owner of everything. */
  readonly admin: postgres.Sql;
  /** Of this run alone: a server that is not ours may hold databases of any name. */
  readonly #prefix = `bench_${crypto.randomUUID().slice(0, 8)}_`;
  readonly #made = new Set<string>();

  constructor(readonly url: string) {
    this.admin = postgres(url, { max: 2, onnotice: () => undefined });
  }

  /** One database with the tables, and one with so many wallets too; gives their ids. */
  async makeTemplates(wallets: number, tell: (ready: number) => void): Promise<string[]> {
    const empty = await this.#create("empty", "template0");
    await migrate({ wallet: empty, history: empty }, { info: () => undefined });
    await installTransferFunction(empty);
    const filled = await this.copy("wallets", "empty");
    const ids = await openWallets(filled, wallets, tell);
    await analyze(filled);
    return ids;
  }

  /** A new database as the template is, in place of an earlier one of this label; gives its address. */
  copy(label: string, from: "wallets" | "empty" = "wallets"): Promise<string> {
    return this.#create(label, `${this.#prefix}${from}`);
  }

  async drop(url: string): Promise<void> {
    const name = new URL(url).pathname.slice(1);
    if (!this.#made.delete(name)) throw new Error(`${name} is no database of this measurement`);
    await this.admin`drop database if exists ${this.admin(name)} with (force)`;
  }

  /** Ends the connections; drops what was made where the server goes on. */
  async close(drop: boolean): Promise<void> {
    if (drop) for (const name of [...this.#made].toReversed()) await this.drop(this.address(name));
    await this.admin.end({ timeout: 5 });
  }

  async #create(label: string, template: string): Promise<string> {
    const name = `${this.#prefix}${label}`;
    if (this.#made.has(name)) await this.drop(this.address(name));
    await this.admin`create database ${this.admin(name)} template ${this.admin(template)}`;
    this.#made.add(name);
    return this.address(name);
  }

  /** Of any database on this server. */
  address(name: string): string {
    const changed = new URL(this.url);
    changed.pathname = `/${name}`;
    return changed.href;
  }
}

/** What autovacuum has done to a database that has been at work for a while: every way of writing gets sound plans. */
export async function analyze(url: string): Promise<void> {
  await withOwner(url, (sql) => sql`vacuum (analyze)`);
}

/** As {@link analyze}, long after the database was filled: its events count as published, and nothing waits to be written out. */
export async function settle(url: string): Promise<void> {
  await analyze(url);
  await withOwner(url, async (sql) => {
    await sql`
      update wallet.relay_state
         set last_snapshot = pg_current_snapshot(), target_snapshot = null, sent_id = null, until_id = null`;
    await sql`checkpoint`;
  });
}

async function withOwner(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
