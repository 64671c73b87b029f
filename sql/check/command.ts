import { parseArgs } from "node:util";
import Table from "cli-table3";
import pc from "picocolors";
import { loadConfig } from "../../shared/config.ts";
import { type CheckReport, type CheckResult, check, DEFAULT_WAIT_MS } from "../check.ts";
import type { Row } from "./statements.ts";

/** `bun run check`: the checks as a table for a person, and an exit code for a script. */

const USAGE = `Verifies the invariants of the wallet and history databases (DATABASE_URL, as their owner).

  --live        the system is at work: judge the history only up to where it has come
  --wait <s>    seconds that events may still be on their way (default ${DEFAULT_WAIT_MS / 1000})
  --help`;

/** Offending rows of one check that are shown. */
const MOST_SHOWN = 20;
/** Characters of one value that are shown: a payload is longer than a screen. */
const MOST_CHARACTERS = 200;

/** The exit code: 0 where all holds, 1 where something does not, 2 where the call makes no sense. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { live: { type: "boolean" }, wait: { type: "string" }, help: { type: "boolean" } },
  });
  const wait_s = Number(values.wait ?? DEFAULT_WAIT_MS / 1000);
  if (values.help === true || !(wait_s >= 0)) {
    console.log(USAGE);
    return values.help === true ? 0 : 2;
  }
  const databases = { wallet: loadConfig("wallet").databaseUrl, history: loadConfig("history").databaseUrl };
  const report = await check(databases, { live: values.live ?? false, wait_ms: wait_s * 1000 });
  console.log(reportText(report));
  return report.holds ? 0 : 1;
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
