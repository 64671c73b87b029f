/** The results as a table: in the terminal, and in docs/faults.md. */
import Table from "cli-table3";
import pc from "picocolors";
import type { Recovery } from "./recovery.ts";
import type { Result } from "./run.ts";

/** The runs of one fault together. */
interface Row {
  readonly name: string;
  readonly runs: number;
  readonly passed: number;
  readonly operations: number;
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
  readonly recovery: Recovery;
  readonly beside: string;
}

export interface Meta {
  readonly date: string;
  readonly seed: number;
  readonly took_s: number;
  readonly patience: number;
}

const HEAD = ["fault", "runs", "operations", "unknown", "lost", "doubled", "recovery, s", "beside"];
const BEGIN = "<!-- results: written by `bun run test:faults --whole` -->";
const END = "<!-- end of the results -->";

function rowsOf(results: readonly Result[]): Row[] {
  const names = [...new Set(results.map(({ fault }) => fault.name))];
  return names.map((name) => {
    const runs = results.filter(({ fault }) => fault.name === name);
    const sum = (of: (result: Result) => number) => runs.reduce((total, run) => total + of(run), 0);
    const longest = (of: keyof Recovery) => Math.max(...runs.map(({ recovery }) => recovery[of]));
    const figures = new Map<string, number>();
    for (const run of runs)
      for (const [figure, count] of run.figures)
        if (figure in (run.fault.wants ?? {})) figures.set(figure, (figures.get(figure) ?? 0) + count);
    return {
      name,
      runs: runs.length,
      passed: runs.filter(({ wrong }) => wrong.length === 0).length,
      operations: sum(({ operations }) => operations),
      unknown: sum(({ unknown }) => unknown),
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      recovery: {
        wallet_ms: longest("wallet_ms"),
        history_ms: longest("history_ms"),
        caught_up_ms: longest("caught_up_ms"),
      },
      beside: [...figures].map(([figure, count]) => `${number(count)} ${figure}`).join(", "),
    };
  });
}

/** One line as soon as a run is over. */
export function lineOf({ fault, operations, unknown, recovery, took_s, wrong }: Result): string {
  const mark = wrong.length === 0 ? pc.green("✓") : pc.red("✗");
  const numbers = `${number(operations)} operations, ${number(unknown)} unknown, back in ${seconds(recovery)} s`;
  const line = `${mark} ${fault.name.padEnd(22)} ${numbers} ${pc.dim(`(${took_s.toFixed()} s)`)}`;
  return [line, ...wrong.map((what) => `    ${what}`)].join("\n");
}

export function terminalTable(results: readonly Result[]): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } });
  for (const row of rowsOf(results)) table.push(cells(row));
  return table.toString();
}

/** The page with its table of results replaced. */
export function withResults(page: string, results: readonly Result[], { date, seed, took_s, patience }: Meta): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from === -1 || to < from) throw new Error(`the page has no place for results: ${BEGIN} … ${END}`);
  const rows = rowsOf(results);
  const failed = rows.filter(({ runs, passed }) => passed < runs).map(({ name }) => name);
  const verdict = failed.length === 0 ? "all runs passed" : `failed: ${failed.join(", ")}`;
  const table = [HEAD, HEAD.map(() => "---"), ...rows.map(cells)].map((each) => `| ${each.join(" | ")} |`).join("\n");
  const busy = patience === 1 ? "" : `, on a busy machine (recovery may take ${patience} times as long)`;
  const minutes = (took_s / 60).toFixed();
  const summary = `${date}, seed ${seed}, ${minutes} minutes, ${number(results.length)} runs${busy}: ${verdict}.`;
  return `${page.slice(0, from)}${BEGIN}\n${summary}\n\n${table}\n${page.slice(to)}`;
}

function cells(row: Row): string[] {
  const { name, runs, passed, operations, unknown, lost, doubled, recovery, beside } = row;
  const all = passed === runs ? `${runs}` : `${passed} of ${runs}`;
  return [name, all, ...[operations, unknown, lost, doubled].map(number), seconds(recovery), beside];
}

/** Until money moves, until the history stores, until it has caught up. */
function seconds({ wallet_ms, history_ms, caught_up_ms }: Recovery): string {
  return [wallet_ms, history_ms, caught_up_ms].map((ms) => (ms / 1_000).toFixed(1)).join(" / ");
}

function number(count: number): string {
  return count.toLocaleString("en-US");
}
