import type { TransactionSql } from "postgres";
import { prepareForChecks } from "../../shared/checks/statements.ts";
import { connectFunctions, type Service, type Sql } from "../../shared/database.ts";

/** Several sessions that see one database as of one moment, so that checks run side by side and judge the same state. */
export interface Sessions {
  /** Runs the work on a session that nobody else uses; waits for one to be free, first come first served. */
  use<T>(work: (sql: TransactionSql) => Promise<T>): Promise<T>;
}

/**
 * Of each database. With both databases on one server of two cores that is twice as many sessions as cores, so that none stands
 * still while one session waits for the disk; each may take its work_mem a few times over.
 */
const SESSIONS = 2;
/** A look at tens of millions of lines takes minutes; a statement that takes longer has lost its way. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000;
const REPEATABLE_READ = "isolation level repeatable read read only";

/** Opens the sessions on one snapshot, as a login that may read everything, and ends them behind the work. */
export async function inSnapshot<T>(
  url: string,
  service: Service,
  work: (sessions: Sessions) => Promise<T>,
): Promise<T> {
  const sql = connectFunctions(url, {
    service,
    purpose: "check",
    max: SESSIONS,
    asOwner: true,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    return await begin(sql, async (first) => {
      const [exported] = await first<{ snapshot: string }[]>`select pg_export_snapshot() as snapshot`;
      return joinSnapshot(sql, exported?.snapshot ?? "", [first], (joined) => work(share(joined)));
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Opens one session after the other, each inside the transaction of the one before. */
function joinSnapshot<T>(
  sql: Sql,
  snapshot: string,
  joined: readonly TransactionSql[],
  work: (sessions: readonly TransactionSql[]) => Promise<T>,
): Promise<T> {
  if (joined.length === SESSIONS) return Promise.all(joined.map(prepareForChecks)).then(() => work(joined));
  return begin(sql, async (next) => {
    // A command that takes no parameters; the name is the server's own.
    await next.unsafe(`set transaction snapshot '${snapshot}'`);
    return joinSnapshot(sql, snapshot, [...joined, next], work);
  });
}

async function begin<T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | undefined;
  await sql.begin(REPEATABLE_READ, async (tx) => {
    answer = { value: await work(tx) };
  });
  if (answer === undefined) throw new Error("the snapshot was not read");
  return answer.value;
}

function share(sessions: readonly TransactionSql[]): Sessions {
  const free = [...sessions];
  const waiting: ((sql: TransactionSql) => void)[] = [];
  return {
    async use(work) {
      const sql = free.pop() ?? (await new Promise<TransactionSql>((resolve) => waiting.push(resolve)));
      try {
        return await work(sql);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(sql);
        else next(sql);
      }
    },
  };
}
