import type { Tracing } from "../shared/tracing/tracing.ts";
import type { Call } from "./execute.ts";

/**
 * A span for each operation's part in a call of the database, and one for the call itself, with links to all that shared it.
 * Operations without a `traceparent` have none.
 */
export function tracedCall(call: Call, tracing: Tracing): Call {
  return async (operations) => {
    const parents = operations.flatMap(({ traceparent }) => traceparent ?? []);
    if (parents.length === 0) return call(operations);
    const attributes = { "db.system.name": "postgresql", "db.operation.batch.size": operations.length };
    const spans = [
      tracing.begin("call apply_operations", { kind: "client", links: parents, attributes }),
      ...parents.map((parent) => tracing.begin("group commit", { kind: "internal", parent, attributes })),
    ];
    try {
      const answers = await call(operations);
      for (const span of spans) span.end();
      return answers;
    } catch (error) {
      for (const span of spans) span.end({}, error instanceof Error ? error.name : "unknown");
      throw error;
    }
  };
}
