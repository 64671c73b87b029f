/** Puts sessions of one database into a chosen order: one holds what it has done, another is seen to wait for it. */
import { connectFunctions, type Sql } from "../shared/database.ts";
import { until } from "./until.ts";

export interface Schedule {
  /** With the rights of the tables' owner, who alone sees what the sessions of others wait for. */
  readonly owner: Sql;
  /** Does the work in a transaction that stays open until `commit`. */
  hold<T>(work: (session: Sql) => Promise<T>): Promise<Held<T>>;
  /** Resolves when this many sessions of the database, or more, wait for a lock. */
  blocked(sessions?: number): Promise<void>;
  end(): Promise<void>;
}

export interface Held<T> {
  readonly value: T;
  commit(): Promise<void>;
}

/** For a wallet database. */
export function createSchedule(url: string): Schedule {
  const owner = connectFunctions(url, { service: "wallet", purpose: "schedule", max: 6, asOwner: true });
  return {
    owner,
    async hold(work) {
      const session = await owner.reserve();
      await session`begin`;
      const value = await work(session);
      return {
        value,
        async commit() {
          await session`commit`;
          session.release();
        },
      };
    },
    async blocked(sessions = 1) {
      await until(
        async () => {
          const [row] = await owner<{ count: number }[]>`
            select count(*)::int as count from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'`;
          return row !== undefined && row.count >= sessions;
        },
        { what: `${sessions} sessions wait for a lock`, timeout_ms: 30_000, interval_ms: 5 },
      );
    },
    end: () => owner.end({ timeout: 5 }),
  };
}
