import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FAULTS } from "./table.ts";

describe("docs/faults.md", () => {
  test("says of each fault what it does, in the same order", () => {
    const page = readFileSync(join(import.meta.dir, "../../../docs/faults.md"), "utf8");
    const [, told = ""] = /^## What each fault is$(.*?)^## /ms.exec(page) ?? [];
    const rows = [...told.matchAll(/^\| (?!fault |---)(.+?) \| (.+) \|$/gm)].map(([, name, does]) => [name, does]);
    expect(rows).toEqual(FAULTS.map(({ name, does }) => [name, does]));
  });

  test("each fault has a name of its own", () => {
    expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
  });
});
