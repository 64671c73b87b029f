import { dirname, relative } from "node:path";
import type { NamedTest, Plant } from "./plant.ts";

/** The page that shows what was planted, from the root of the checkout. */
export const PAGE = "docs/testing.md";
const BEGIN = "<!-- planted: made by `bun run test:planted --write` -->";
const END = "<!-- /planted -->";

export interface Row {
  readonly plant: Plant;
  /** From planting it until its tests had run. */
  readonly seconds: number;
}

/** The page with the table of these plants between its marks. */
export function withTable(page: string, rows: readonly Row[]): string {
  const [head, rest] = halves(page, BEGIN);
  const [, tail] = halves(rest, END);
  const lines = rows.map(({ plant, seconds }) => {
    const tests = plant.caught_by.map(linkTo).join("; ");
    return `| \`${plant.name}\` | ${plant.breaks} | ${tests} | ${seconds.toFixed(1)} |`;
  });
  const table = ["| planted | what it breaks | caught by | s |", "|---|---|---|---|", ...lines].join("\n");
  return `${head}${BEGIN}\n${table}\n${END}${tail}`;
}

/** The names in the page's table, in order. */
export function namesIn(page: string): string[] {
  const [, rest] = halves(page, BEGIN);
  const [table] = halves(rest, END);
  return Array.from(table.matchAll(/^\| `([^`]+)` \|/gm), ([, name = ""]) => name);
}

function linkTo({ file, title }: NamedTest): string {
  return `[${file.slice(file.lastIndexOf("/") + 1)}](${relative(dirname(PAGE), file)}) "${title}"`;
}

function halves(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`${PAGE} has no line ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
