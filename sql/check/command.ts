import { join } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import pc from "picocolors";
import { findSystem } from "../../dev/running.ts";
import type { Row } from "../../shared/checks/statements.ts";
import { type CheckReport, type CheckResult, check, DEFAULT_WAIT_MS } from "../check.ts";

/** `bun run check`: the checks as a table for a person, and an exit code for a script. */

const USAGE = `usage: bun run check [--live] [--wait <s>]

Verifies the invariants of both databases: those that DATABASE_URL (or WALLET_DATABASE_URL and HISTORY_DATABASE_URL)
names, as their owner, else those of a running \`bun start\`.

  --live        the system is at work: judge the history only up to where it has come
  --wait <s>    seconds that events may still be on their way (default ${DEFAULT_WAIT_MS / 1000})
  --help`;

/** Offending rows of one check that are shown. */
const MOST_SHOWN = 20;
/** Characters of one value that are shown: a payload is longer than a screen. */
const MOST_CHARACTERS = 200;

/** The exit code: 0 where all holds, 1 where something does not, 2 where it could not be found out. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const asked = parse(args);
  if (asked === null || asked.help) {
    console.log(USAGE);
    return asked === null ? 2 : 0;
  }
  const { databases } = findSystem(join(import.meta.dir, "../../.data"), process.env);
  if (databases === null) {
    console.error("No database to check: set DATABASE_URL, or run `bun start` in another terminal.");
    return 2;
  }
  try {
    const report = await check(databases, asked);
    console.log(reportText(report));
    return report.holds ? 0 : 1;
  } catch (error) {
    console.error(messagesOf(error).join(" "));
    return 2;
  }
}

interface Asked {
  readonly help: boolean;
  readonly live: boolean;
  readonly wait_ms: number;
}

/** Null where the arguments make no sense. */
function parse(args: readonly string[]): Asked | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { live: { type: "boolean" }, wait: { type: "string" }, help: { type: "boolean" } },
    });
    const wait_ms = values.wait === undefined ? DEFAULT_WAIT_MS : Number(values.wait) * 1000;
    return wait_ms >= 0 ? { help: values.help ?? false, live: values.live ?? false, wait_ms } : null;
  } catch {
    return null;
  }
}

/** The messages of an error and of what caused it. */
function messagesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : messagesOf(error.cause))];
}

/** Table, offending rows and verdict. */
export function reportText(report: CheckReport): string {
  const table = new Table({
    head: ["", "check", "where", "what holds", "figures", "ms"],
    colWidths: [3, 29, 18, 46, 34, 8],
    wordWrap: true,
    style: { head: [], border: pc.isColorSupported ? ["gray"] : [] },
  });
  for (const result of report.results) {
    const { name, where, states, figures, took_ms } = result;
    table.push([mark(result), name, where, states, figuresText(figures), { content: took_ms, hAlign: "right" }]);
  }
  const failed = report.results.filter(({ holds }) => holds === false);
  const verdict = report.holds
    ? pc.green(`✓ all ${report.results.length} checks hold`)
    : pc.red(`✗ ${failed.length} of ${report.results.length} checks fail`);
  return [table.toString(), ...failed.map(offendingText), verdict].join("\n");
}

function mark({ holds }: CheckResult): string {
  if (holds === null) return pc.dim("–");
  return holds ? pc.green("✓") : pc.red("✗");
}

function figuresText(figures: Readonly<Record<string, string>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",")}`)
    .join("\n");
}

function offendingText({ name, where, offending }: CheckResult): string {
  const shown = offending.slice(0, MOST_SHOWN).map((row) => `  ${rowText(row)}`);
  const more = offending.length - shown.length;
  return [pc.red(`✗ ${name} (${where})`), ...shown, ...(more > 0 ? [`  … and ${more} more at least`] : [])].join("\n");
}

function rowText({ fault, ...rest }: Row): string {
  const values = Object.entries(rest).map(([name, value]) => `${name}=${valueText(value)}`);
  return `${String(fault)}: ${values.join(" ")}`;
}

function valueText(value: unknown): string {
  const text = typeof value === "string" ? value : value instanceof Date ? value.toISOString() : JSON.stringify(value);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}
