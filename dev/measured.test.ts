import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableOf, writeBetween } from "./measured.ts";
import { startCommand, testCommand } from "./readme-commands.ts";

const CHECKOUT = join(import.meta.dir, "..");

describe("what is measured is written into its place of a document", () => {
  test("and nowhere else", () => {
    const folder = mkdtempSync(join(tmpdir(), "measured-"));
    const file = join(folder, "page.md");
    writeFileSync(file, "a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n");
    writeBetween(file, "x", tableOf(["start", "takes"], [["cold", "1.0 s"]]));
    const table = "| start | takes |\n| --- | --- |\n| cold | 1.0 s |";
    expect(readFileSync(file, "utf8")).toBe(`a\n<!-- x -->\n${table}\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n`);
    expect(() => writeBetween(file, "z", "")).toThrow('has no place for "z"');
    rmSync(folder, { recursive: true });
  });

  test("docs/start.md has the places of both commands", () => {
    const page = readFileSync(join(CHECKOUT, "docs/start.md"), "utf8");
    for (const mark of ["timings", "/timings", "readme", "/readme"]) expect(page).toContain(`<!-- ${mark} -->`);
  });
});

test("the commands that are timed are those of the README", () => {
  const readme = readFileSync(join(CHECKOUT, "README.md"), "utf8");
  const { packageManager } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8"));
  expect(startCommand(readme)).toBe(`npx -y ${packageManager} start`);
  expect(testCommand(readme)).toBe(`npx -y ${packageManager} run test`);
});
