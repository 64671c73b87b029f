import { Elysia, t } from "elysia";
import type { ReceivedMessage } from "../shared/consumer.ts";
import { describe } from "../shared/http/describe.ts";
import { idPath } from "../shared/http/fields.ts";
import { Problem } from "../shared/http/problems.ts";
import { json } from "./answer.ts";

/** Where on the topic the latest events came by, and when: the part of their way that the stored history does not tell. */

export const Publication = t.Object(
  {
    event_id: t.String({ format: "uuid" }),
    topic: t.String(),
    partition: t.Integer({ minimum: 0 }),
    offset: t.Integer({ minimum: 0 }),
    published_at: t.String({ format: "date-time", description: "The message's time on the topic, in milliseconds." }),
  },
  { title: "Publication", description: "Where an event was read on the topic, and when it was written there." },
);
export type Publication = typeof Publication.static;

/** What is noted of a message: its event and where it was. */
interface Noted {
  readonly event: { readonly id: string };
  readonly message: ReceivedMessage;
}

export interface Publications {
  note(read: readonly Noted[]): void;
  find(event_id: string): Publication | undefined;
}

/** Some ten seconds of a busy system, and a few megabytes. Whoever follows an event asks within a second. */
const KEPT_PUBLICATIONS = 10_000;

/** Keeps what this process has read last, in memory: it is for looking on, not for proof. */
export function createPublications(kept = KEPT_PUBLICATIONS): Publications {
  const messages = new Map<string, ReceivedMessage>();
  return {
    note(read) {
      for (const { event, message } of read) {
        // One that comes again is the same event at a later place; what is shown is where it was first.
        if (!messages.has(event.id)) messages.set(event.id, withoutContent(message));
      }
      for (const oldest of messages.keys()) {
        if (messages.size <= kept) break;
        messages.delete(oldest);
      }
    },
    find(event_id) {
      const message = messages.get(event_id);
      if (message === undefined) return undefined;
      const { topic, partition, offset, timestamp_ms } = message;
      const published_at = new Date(timestamp_ms).toISOString();
      return { event_id, topic, partition, offset: Number(offset), published_at };
    },
  };
}

/** The bytes of a message are a part of its whole batch: kept, they would keep all of it. */
function withoutContent(message: ReceivedMessage): ReceivedMessage {
  return { ...message, key: null, value: null, headers: {} };
}

/** `GET /events/{id}/publication`. */
export function publicationRoutes(publications: Publications) {
  return new Elysia().get(
    "/events/:id/publication",
    ({ params }) => {
      const found = publications.find(params.id.toLowerCase());
      if (found === undefined)
        throw new Problem("not_found", { detail: "This server has not read the event from the topic of late." });
      return json(found);
    },
    {
      params: idPath,
      ...describe({
        operationId: "getPublication",
        summary: "Read when an event was published",
        description:
          "Of the latest events that this process has read from the topic, for a person who follows one; 404 for any other. An " +
          "event's lasting record is the history.",
        tags: ["Operation"],
        answer: Publication,
        example: {
          event_id: "01890000-0000-7000-8000-000000000021",
          topic: "wallet-events",
          partition: 3,
          offset: 42,
          published_at: "2026-01-31T12:00:00.012Z",
        } satisfies Publication,
        errors: ["not_found"],
      }),
    },
  );
}
