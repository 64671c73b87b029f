/** One SQL call for each transfer: one statement, one round trip and one commit, by a function made for just that. */
import { join } from "node:path";
import postgres from "postgres";
import { connectFunctions, type Sql } from "../../shared/database.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { isUsedKey } from "./statements.ts";
import type { Answer, Transfer, TransferRequest } from "./transfer.ts";

export function singleCall(url: string, connections: number): Transfer {
  const sql = connectFunctions(url, { service: "wallet", purpose: "bench", max: connections, asOwner: true });
  // Of two requests with one key the second fails, and finds the first one's answer when it comes again.
  return (request) =>
    callTransfer(sql, request).catch((error: unknown) => {
      if (isUsedKey(error)) return callTransfer(sql, request);
      throw error;
    });
}

export async function callTransfer(sql: Sql, { from, to, amount, key, fingerprint }: TransferRequest): Promise<Answer> {
  const [row] = await sql<{ status: number; response: string }[]>`
    select status, response
      from bench_transfer(${uuidv7()}, ${uuidv7()}, ${from}, ${to}, ${amount}, ${key}, ${fingerprint})`;
  if (row === undefined) throw new Error("the function gave no answer");
  return { status: row.status, body: row.response };
}

/** As the owner of the database. */
export async function installTransferFunction(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, connection: { search_path: "wallet" }, onnotice: () => undefined });
  try {
    await sql.file(join(import.meta.dir, "transfer.sql"));
  } finally {
    await sql.end();
  }
}
