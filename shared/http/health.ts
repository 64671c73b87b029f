import { Elysia } from "elysia";
import { PROBE } from "./describe.ts";

/** `degraded`: something works worse or later, but requests are answered. */
export type Health = "ok" | "degraded" | "down";

/** A check that has not answered by then is down: probes give up after a second or two themselves. */
const CHECK_TIMEOUT_MS = 1000;

/** The check without which a service cannot answer; the others only degrade it (an outbox waits for its broker). */
const VITAL = "database";

/**
 * `GET /health`: 200, or 503 while the check named `database` is down; `GET /health/live` only says that the process runs.
 * A check that throws is down.
 */
export function health({ checks }: { readonly checks: Readonly<Record<string, () => Promise<Health>>> }) {
  return new Elysia()
    .get(
      "/health",
      async () => {
        const results = await Promise.all(
          Object.entries(checks).map(async ([name, check]) => [name, await run(check)] as const),
        );
        const status = overall(results);
        return Response.json(
          { status, checks: Object.fromEntries(results) },
          { status: status === "down" ? 503 : 200 },
        );
      },
      PROBE,
    )
    .get("/health/live", () => Response.json({ status: "ok" }), PROBE);
}

function overall(results: readonly (readonly [name: string, state: Health])[]): Health {
  if (results.some(([name, state]) => name === VITAL && state === "down")) return "down";
  return results.every(([, state]) => state === "ok") ? "ok" : "degraded";
}

async function run(check: () => Promise<Health>): Promise<Health> {
  const { promise: late, resolve } = Promise.withResolvers<Health>();
  const timer = setTimeout(resolve, CHECK_TIMEOUT_MS, "down");
  try {
    return await Promise.race([check(), late]);
  } catch {
    return "down";
  } finally {
    clearTimeout(timer);
  }
}
