import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { TransactionSql } from "postgres";
import { connectFunctions, type Sql } from "../../shared/database.ts";
import { MIGRATION_LOCK } from "../../shared/migration-lock.ts";
import { recordEvents } from "../project.ts";
import type { Store } from "./store.ts";

/**
 * The tables of a rebuild beside the live ones: schema `history_rebuild`, made by the migrations and functions that made
 * the live ones. Outbox, relay and dead letters are no part of it: those stay.
 */
export interface Tables {
  /** Where the rebuild's functions are found. */
  readonly sql: Sql;
  /** Compares the two as of one moment. The live tables' writers wait for `catchUp`, and go on while the rows are compared. */
  compare(catchUp: () => Promise<unknown>): Promise<Difference[]>;
  /** Messages that could not be applied, some of them. */
  deadLetters(): Promise<DeadLetterPlace[]>;
  /** Takes over the places in the stream, so that little is left to do while the writers wait. */
  adopt(): Promise<void>;
  /** Puts the rebuilt tables in place. @throws WouldLose */
  swap(catchUp: () => Promise<unknown>, store: Store, discard: boolean): Promise<void>;
  /** Drops what is not in its place. */
  close(): Promise<void>;
}

/** One table, live and rebuilt, in rows. */
export interface Difference {
  readonly name: string;
  readonly live: number;
  readonly rebuilt: number;
  readonly only_live: number;
  readonly only_rebuilt: number;
  /** On both sides, and not the same. */
  readonly different: number;
  /** Keys of some rows that differ or are on one side only. */
  readonly examples: readonly string[];
}

export interface DeadLetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
}

/** The live tables know what the topics do not tell: a swap would lose it. */
export class WouldLose extends Error {
  override readonly name = "WouldLose";
  constructor(events: number, decisions: number) {
    super(
      `The topics lack ${events} events, and lack or contradict ${decisions} decisions, that the live tables hold: nothing was swapped. ` +
        "Publish what the broker has lost (`bun run republish`), or say --discard if the live rows are wrong.",
    );
  }
}

const SQL = join(import.meta.dir, "../../sql");
/** Functions keep this path. */
const SEARCH_PATH = "history_rebuild, pg_catalog, pg_temp";
/** A writer at work is done within its statement's time-out of 5 s. */
const PAUSE_LOCK_TIMEOUT_MS = 15_000;
/** Below PostgreSQL's deadlock_timeout of 1 s: a reader that holds one table and waits for another is let go on. */
const MOVE_LOCK_TIMEOUT = "500ms";
const MOST_MOVES = 20;

const run = async (sql: Sql | TransactionSql, name: string) =>
  sql.file<Record<string, unknown>[]>(join(SQL, "rebuild", `${name}.sql`));

/** Makes empty tables. @throws if another rebuild or a migration is at work */
export async function openTables(databaseUrl: string): Promise<Tables> {
  const connection = { service: "history", asOwner: true, statementTimeoutMs: 0 } as const;
  const owner = connectFunctions(databaseUrl, {
    ...connection,
    purpose: "rebuild",
    max: 3,
    lockTimeoutMs: PAUSE_LOCK_TIMEOUT_MS,
  });
  const sql = connectFunctions(databaseUrl, { ...connection, purpose: "rebuilt", max: 1, schema: SEARCH_PATH });
  // Reserved, so that the pool does not renew it: the lock is the session's.
  const guard = await owner.reserve();
  const end = async (): Promise<void> => {
    guard.release();
    await Promise.all([owner.end({ timeout: 5 }), sql.end({ timeout: 5 })]);
  };
  const [lock] = await guard<{ taken: boolean }[]>`select pg_try_advisory_lock(${MIGRATION_LOCK}) as taken`;
  if (lock?.taken !== true) {
    await end();
    throw new Error("A migration or another rebuild is at work: try again when it is done.");
  }
  try {
    await run(owner, "create");
    await build(sql);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    sql,
    async compare(catchUp) {
      let differences: Difference[] = [];
      await owner.begin("isolation level repeatable read", async (tx) => {
        await paused(tx, catchUp);
        differences = await run(tx, "compare").then(differencesOf);
      });
      return differences;
    },
    deadLetters: async () => {
      const rows = await run(owner, "dead_letters");
      return rows.map(({ topic, partition, offset, reason }) => ({
        topic: String(topic),
        partition: Number(partition),
        offset: String(offset),
        reason: String(reason),
      }));
    },
    async adopt() {
      await run(sql, "adopt");
      await run(owner, "vacuum");
    },
    async swap(catchUp, store, discard) {
      await owner.begin(async (tx) => {
        await keepOld(tx);
        await run(tx, "pause");
        await catchUp();
        await store.takeOverDecisions();
        const waiting = await undecided(sql, store, discard);
        await run(sql, "adopt");
        await move(tx);
        // Their decision is the live ledger's to make, and what it holds now are these tables.
        for (const { message, text } of waiting) await recordEvents(tx, message.partition, [text]);
        if (waiting.length > 0) await run(tx, "keep_places");
      });
    },
    async close() {
      try {
        await run(owner, "clean_up");
      } finally {
        await end();
      }
    },
  };
}

/** Drops what the last swap has kept. */
export async function dropOld(databaseUrl: string): Promise<void> {
  const owner = connectFunctions(databaseUrl, {
    service: "history",
    purpose: "rebuild",
    max: 1,
    asOwner: true,
    statementTimeoutMs: 0,
  });
  await run(owner, "drop_old");
  await owner.end({ timeout: 5 });
}

async function build(sql: Sql): Promise<void> {
  await apply(sql, "migrations");
  await run(sql, "prepare");
  await apply(sql, "functions");
  await run(sql, "operations");
}

/** What is the history's alone: what both services have is the outbox with its relay, and the dead letters. */
async function apply(sql: Sql, folder: "migrations" | "functions"): Promise<void> {
  const names = await readdir(join(SQL, folder), { recursive: true });
  for (const name of names.filter((each) => each.endsWith(".sql")).sort()) {
    const path = join(SQL, folder, name);
    if ((await Bun.file(path).text()).startsWith("-- schema: history\n")) await sql.file(path);
  }
}

async function keepOld(tx: TransactionSql): Promise<void> {
  try {
    await run(tx, "keep_old");
  } catch (error) {
    const kept = error instanceof Error && "code" in error && error.code === "42P06";
    throw kept
      ? new Error("The tables that an earlier swap has replaced are still kept: say --drop-old first.")
      : error;
  }
}

/** Leaves the transaction with a snapshot of the moment when both sides had come equally far, and without the locks. */
async function paused(tx: TransactionSql, catchUp: () => Promise<unknown>): Promise<void> {
  const goOn = new Error("the locks are given back");
  await tx
    .savepoint(async (inner) => {
      await run(inner, "pause");
      await catchUp();
      await inner`select pg_current_snapshot()`;
      throw goOn;
    })
    .catch((error: unknown) => {
      if (error !== goOn) throw error;
    });
}

/** Withheld events that the live tables hold: nobody sends them again. The others come again by the topic. */
async function undecided(sql: Sql, { withheld }: Store, discard: boolean): Promise<Store["withheld"]> {
  const ids = withheld.map(({ event }) => event.id);
  const [losses] = await sql<{ events: number; decisions: number }[]>`
    select events, decisions from count_losses(${ids}::uuid[])`;
  const { events = 0, decisions = 0 } = losses ?? {};
  if (!discard && events + decisions > 0) throw new WouldLose(events, decisions);
  const rows = await sql<{ id: string }[]>`select id from known_live(${ids}::uuid[])`;
  const known = new Set(rows.map(({ id }) => id));
  return withheld.filter(({ event }) => known.has(event.id));
}

/** Waits for readers, again and again rather than for long. */
async function move(tx: TransactionSql): Promise<void> {
  await tx`select set_config('lock_timeout', ${MOVE_LOCK_TIMEOUT}, true)`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await tx.savepoint((inner) => run(inner, "move"));
      return;
    } catch (error) {
      const busy = error instanceof Error && "code" in error && error.code === "55P03";
      if (!busy || attempt === MOST_MOVES) throw error;
    }
  }
}

function differencesOf(rows: readonly Record<string, unknown>[]): Difference[] {
  return rows.map((row) => ({
    name: String(row.name),
    live: Number(row.live),
    rebuilt: Number(row.rebuilt),
    only_live: Number(row.only_live),
    only_rebuilt: Number(row.only_rebuilt),
    different: Number(row.different),
    examples: Array.isArray(row.examples) ? row.examples.map(String) : [],
  }));
}
