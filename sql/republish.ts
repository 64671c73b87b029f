import { parseArgs } from "node:util";
import { connectFunctions, type Service, type Sql } from "../shared/database.ts";

/**
 * Command of an operator: has events published once more, after the broker has lost data or a database was restored on
 * another server. Consumers know a repeated event by its id, so too much is harmless and too little is not.
 */

/** Where to begin: an id of one service's outbox, or a time. */
export type From = { readonly id: string } | { readonly time: Date };

/** The argument's meaning, or undefined if it has none. */
export function parseFrom(text: string): From | undefined {
  if (/^\d{1,18}$/.test(text)) return { id: text };
  const time = new Date(text);
  // A date alone or a time with its zone: without one it would mean something else on each machine.
  const complete = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  return complete && !Number.isNaN(time.getTime()) ? { time } : undefined;
}

/** Marks the events; a relay at work begins with them at once. Gives how many wait now. */
export async function republish(sql: Sql, from: From): Promise<number> {
  const id = "id" in from ? from.id : null;
  const time = "time" in from ? from.time.toISOString() : null;
  const [row] = await sql<{ events: string }[]>`select republish(${id}, ${time}) as events`;
  return Number(row?.events ?? 0);
}

const USAGE = `usage: bun run republish --from <time|id> [--service wallet|history]

  --from     2026-01-31T09:30:00Z: all events written since; or an id in the outbox, which needs --service
  --service  whose events; without it those of both`;

if (import.meta.main) {
  const { configOrExit } = await import("../shared/config.ts");
  const { values } = parseArgs({ strict: false, options: { from: { type: "string" }, service: { type: "string" } } });
  const from = parseFrom(String(values.from ?? ""));
  const services = (["wallet", "history"] satisfies Service[]).filter((each) => (values.service ?? each) === each);
  if (from === undefined || services.length === 0 || ("id" in from && services.length > 1)) {
    console.error(USAGE);
    process.exit(2);
  }
  for (const service of services) {
    const sql = connectFunctions(configOrExit(service, ["database"]).databaseUrl, {
      service,
      purpose: "republish",
      max: 1,
      asOwner: true,
      // After a restore every row is written anew.
      statementTimeoutMs: 0,
    });
    console.log(`${service}: ${await republish(sql, from)} events wait to be published`);
    await sql.end();
  }
}
