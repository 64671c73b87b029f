import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readReport } from "../junit.ts";
import { bugged } from "./copy.ts";
import { namesIn, PAGE } from "./page.ts";
import { planted, StalePlant } from "./plant.ts";
import { PLANTS } from "./plants.ts";

/** That the bugs fit the code as it is now; `bun run test:planted` plants them and shows that they are caught. */

const CHECKOUT = join(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(CHECKOUT, path), "utf8");

describe("what is planted fits the code", () => {
  test.each(PLANTS.map((plant) => [plant.name, plant] as const))("%s changes what is there, once", (_, plant) => {
    for (const [file, text] of bugged(CHECKOUT, plant)) expect(text).not.toBe(read(file));
  });

  test.each(PLANTS.map((plant) => [plant.name, plant] as const))("%s names tests that there are", (_, plant) => {
    expect(plant.caught_by.length).toBeGreaterThan(0);
    for (const { file, title } of plant.caught_by) {
      expect(existsSync(join(CHECKOUT, file)) ? read(file) : `no file ${file}`).toContain(title);
    }
  });

  test("each has a name of its own, and its line in the documentation", () => {
    const names = PLANTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(20);
    expect(namesIn(read(PAGE))).toEqual(names);
  });
});

describe("a plant that no longer fits is no plant", () => {
  const edit = { file: "f", old: "a = b;", new: "a = c;" };

  test("the text is changed where it is there once", () => {
    expect(planted("x; a = b; y;", edit)).toBe("x; a = c; y;");
  });

  test.each(["x; y;", "a = b; a = b;"])("in %p nothing is planted", (text) => {
    expect(() => planted(text, edit)).toThrow(StalePlant);
  });
});

describe("a report says what became of each test", () => {
  test("passed, failed or skipped, by file and title", () => {
    const xml = `<testsuites name="bun test"><testsuite name="a.test.ts"><testsuite name="d">
      <testcase name="a &quot;b&quot; &lt; &#39;c&#39;" classname="d" time="0.5" file="a.test.ts" line="1" assertions="1" />
      <testcase name="two" classname="d" time="1" file="a.test.ts"><failure type="AssertionError" /></testcase>
      <testcase name="three" classname="d" time="0" file="a.test.ts"><skipped /></testcase>
      </testsuite></testsuite></testsuites>`;
    expect(readReport(xml)).toEqual([
      { file: "a.test.ts", title: `a "b" < 'c'`, outcome: "passed", seconds: 0.5 },
      { file: "a.test.ts", title: "two", outcome: "failed", seconds: 1 },
      { file: "a.test.ts", title: "three", outcome: "skipped", seconds: 0 },
    ]);
  });

  test("nothing, where the run did not get to its end", () => {
    expect(readReport("")).toEqual([]);
  });
});
