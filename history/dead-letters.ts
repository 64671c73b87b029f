import { Elysia } from "elysia";
import { describe } from "../shared/http/describe.ts";
import { exact, idPath } from "../shared/http/fields.ts";
import { decodeCursor, listParameters, page, parseLimit } from "../shared/http/lists.ts";
import { Problem } from "../shared/http/problems.ts";
import { json } from "./answer.ts";
import { DeadLetter, DeadLetterList, EXAMPLES, toDeadLetter } from "./models.ts";
import type { DeadLetterRow, Queries } from "./queries.ts";
import type { Replay } from "./replay.ts";

const TAGS = ["Operation"];

/** What could not be applied, for the operator. */
export function deadLetterRoutes(queries: Queries, replay: Replay) {
  const letter = async (id: string): Promise<DeadLetterRow> => {
    const row = await queries.deadLetter(id);
    if (row === undefined) throw new Problem("not_found", { detail: "There is no dead letter with this id." });
    return row;
  };

  return new Elysia()
    .get(
      "/dead-letters",
      async ({ query }) => {
        const limit = parseLimit(query.limit);
        const list = { list: "dead-letters", filters: {}, columns: ["id"] } as const;
        const [after] = query.cursor === undefined ? [] : decodeCursor(query.cursor, list);
        const { items, next_cursor } = page(await queries.deadLetters(after, limit + 1), limit, list, (row) => [
          row.id,
        ]);
        return json({ items: items.map(toDeadLetter), next_cursor });
      },
      {
        query: exact(listParameters),
        ...describe({
          operationId: "listDeadLetters",
          role: "admin",
          summary: "List dead letters",
          description: "Messages that could not be applied, newest first, those that were replayed since included.",
          tags: TAGS,
          answer: DeadLetterList,
          example: { items: [EXAMPLES.dead_letter], next_cursor: null },
          errors: ["unavailable"],
        }),
      },
    )
    .get("/dead-letters/:id", async ({ params }) => json(toDeadLetter(await letter(params.id))), {
      params: idPath,
      ...describe({
        operationId: "getDeadLetter",
        role: "admin",
        summary: "Read a dead letter",
        tags: TAGS,
        answer: DeadLetter,
        example: EXAMPLES.dead_letter,
        errors: ["not_found", "unavailable"],
      }),
    })
    .post(
      "/dead-letters/:id/replay",
      async ({ params }) => {
        const refusal = await replay(await letter(params.id));
        if (refusal !== undefined) throw new Problem("not_replayable", { detail: refusal });
        return json(toDeadLetter(await letter(params.id)));
      },
      {
        params: idPath,
        ...describe({
          operationId: "replayDeadLetter",
          role: "admin",
          summary: "Apply a dead letter after all",
          description:
            "As if its message came now; what it holds up goes on. Repeated: the same answer, and nothing more.",
          tags: TAGS,
          answer: DeadLetter,
          example: { ...EXAMPLES.dead_letter, replayed_at: "2026-01-31T12:30:00.000000Z" },
          requestHeaders: ["Idempotency-Key"],
          errors: ["not_found", "not_replayable", "unavailable"],
        }),
      },
    );
}
