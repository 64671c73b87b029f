/** What measurements of a running system share: requests at fixed moments, and the quantiles of what they took. */
import { cpus } from "node:os";
import Table from "cli-table3";

/** The first request waits for all to be planned. */
const FIRST_AFTER_MS = 100;
const QUANTILES = [0.5, 0.9, 0.99, 1];

export interface Measured<Sample> {
  readonly samples: readonly Sample[];
  /** Why the others have none. */
  readonly failures: readonly string[];
}

/** Whether that many, started at that many per second, is something to measure. */
export function isLoad(count: number, rate: number): boolean {
  return Number.isInteger(count) && count >= 1 && rate > 0;
}

/**
 * Starts each at its moment, whether earlier ones have ended or not, and waits for all. `once` is told the moment for
 * which it was planned (of `performance.now()`), and measures from there: what is started late counts as waiting.
 */
export async function openLoop<Sample>(
  count: number,
  rate: number,
  once: (index: number, planned: number) => Promise<Sample>,
): Promise<Measured<Sample>> {
  const first = performance.now() + FIRST_AFTER_MS;
  const runs = await Promise.allSettled(
    Array.from({ length: count }, async (_, index) => {
      const planned = first + (index * 1_000) / rate;
      await Bun.sleep(Math.max(0, planned - performance.now()));
      return once(index, planned);
    }),
  );
  return {
    samples: runs.flatMap((run) => (run.status === "fulfilled" ? [run.value] : [])),
    failures: runs.flatMap((run) => (run.status === "rejected" ? [String(run.reason)] : [])),
  };
}

/** The JSON of a 2xx answer. @throws Error with the answer where it is another */
export async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} was answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Rows of milliseconds as a table of their quantiles. */
export function quantileTable(rows: readonly (readonly [name: string, values: readonly number[]])[]): string {
  const table = new Table({ head: ["ms", "p50", "p90", "p99", "max"], style: { head: [], border: [] } });
  for (const [name, values] of rows) {
    const figures = QUANTILES.map((share) => quantile(values, share).toFixed(1));
    table.push([name, ...figures.map((content) => ({ content, hAlign: "right" as const }))]);
  }
  return table.toString();
}

/** Nearest rank: the smallest value that this share of them does not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** What it was measured on. */
export function machine(): string {
  const [cpu] = cpus();
  return `${cpu?.model ?? "unknown processor"}, ${cpus().length} cores; Bun ${Bun.version}`;
}
