import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Partitioners } from "kafkajs";
import { partitionOf } from "./partitioner.ts";

describe("a key's partition is the one that Kafka's own clients choose", () => {
  const reference = Partitioners.DefaultPartitioner();
  const expected = (key: string | Buffer, partitions: number): number =>
    reference({
      topic: "t",
      message: { key, value: "" },
      partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
        partitionId,
        partitionErrorCode: 0,
        leader: 1,
        replicas: [1],
        isr: [1],
      })),
    });

  test("for wallet ids", () => {
    fc.assert(
      fc.property(fc.uuid(), (key) => {
        expect(partitionOf(key, 6)).toBe(expected(key, 6));
      }),
    );
  });

  test("for any bytes and any number of partitions", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.integer({ min: 1, max: 100 }), (bytes, partitions) => {
        expect(partitionOf(Buffer.from(bytes), partitions)).toBe(expected(Buffer.from(bytes), partitions));
      }),
      { numRuns: 500 },
    );
  });
});
