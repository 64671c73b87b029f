import { describe, expect, test } from "bun:test";
import type { ReceivedMessage } from "../shared/consumer.ts";
import { createPublications } from "./publications.ts";

const message = (offset: number, timestamp_ms: number): ReceivedMessage => ({
  topic: "wallet-events",
  partition: 3,
  offset: String(offset),
  key: null,
  value: Buffer.from("{}"),
  headers: {},
  timestamp_ms,
});
const noted = (id: string, offset: number, timestamp_ms = 1_000) => ({
  event: { id },
  message: message(offset, timestamp_ms),
});

describe("where an event was on the topic is known for a while", () => {
  test("with its place and its time there", () => {
    const publications = createPublications();
    publications.note([noted("a", 7, 1_500)]);
    expect(publications.find("a")).toEqual({
      event_id: "a",
      topic: "wallet-events",
      partition: 3,
      offset: 7,
      published_at: "1970-01-01T00:00:01.500Z",
    });
    expect(publications.find("b")).toBeUndefined();
  });

  test("one that comes again was published when it came first", () => {
    const publications = createPublications();
    publications.note([noted("a", 7, 1_000), noted("a", 9, 9_000)]);
    expect(publications.find("a")?.offset).toBe(7);
  });

  test("the oldest are given up, so that the memory is bounded", () => {
    const publications = createPublications(2);
    publications.note(["a", "b", "c"].map((id, offset) => noted(id, offset)));
    expect(["a", "b", "c"].map((id) => publications.find(id)?.offset)).toEqual([undefined, 1, 2]);
  });
});
