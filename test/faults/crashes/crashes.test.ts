import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, killAt, openBench } from "./bench.ts";
import { LANES } from "./steps.ts";

/** Each real server is killed with SIGKILL at each step of its work; docs/crashes.md says what happens. */

const CASE_TIMEOUT_MS = 150_000;

describe.concurrent.each(LANES.map((lane) => ({ ...lane })))("killed in $title", (lane) => {
  let turn: Promise<Bench | undefined> = Promise.resolve(undefined);
  let left = lane.crashes.length;

  for (const { name, at } of lane.crashes)
    test(
      name,
      async () => {
        const before = turn;
        const { promise, resolve } = Promise.withResolvers<Bench | undefined>();
        turn = promise;
        let bench = await before;
        try {
          bench ??= await openBench(lane);
          await killAt(bench, lane, at);
        } finally {
          left -= 1;
          if (left === 0) await bench?.close();
          resolve(bench);
        }
      },
      CASE_TIMEOUT_MS,
    );
});

describe("docs/crashes.md", () => {
  test("names each step that is tested, and no other, in the same order", () => {
    const text = readFileSync(join(import.meta.dir, "../../../docs/crashes.md"), "utf8");
    const rows = [...text.matchAll(/^## (.+)$|^\| (?!step |---)([^|]+?) \|/gm)];
    const told = rows.map(([, title, name]) => title ?? name);
    expect(told).toEqual(LANES.flatMap(({ title, crashes }) => [title, ...crashes.map(({ name }) => name)]));
  });
});
