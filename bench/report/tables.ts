/** Tables of the report. */
import type { Latency } from "../load/latency.ts";
import type { OpenPoint, Point } from "../measure.ts";
import { figure } from "./svg.ts";

/** A Markdown table, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number): string => (typeof value === "number" ? figure(value) : value);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const first = rows[0] ?? [];
  const rule = head.map((_, at) => (typeof first[at] === "number" ? "--:" : "---"));
  return [line(head), line(rule), ...rows.map((row) => line(row.map(cell)))].join("\n");
}

export const LATENCY_HEAD = ["p50 ms", "p90 ms", "p99 ms", "p99.9 ms"] as const;

export function latencyCells({ p50, p90, p99, p999 }: Latency): number[] {
  return [p50, p90, p99, p999];
}

/** Closed loops: one row for each measurement, marked where something failed. */
export function pointTable(points: readonly Point[]): string {
  return table(
    ["", "load", "connections", "per second", ...LATENCY_HEAD, "errors"],
    points.map(({ target, workload, connections, load }) => [
      target,
      workload,
      connections,
      load.per_second,
      ...latencyCells(load.latency_ms),
      errorCell(load.errors),
    ]),
  );
}

/** CPU microseconds per request by process, and the load generator's share of all CPU that was used. */
export function cpuTable<P extends Point | OpenPoint>(points: readonly P[], nameOf: (point: P) => string): string {
  const names = [...new Set(points.flatMap(({ cpu_us }) => Object.keys(cpu_us)))];
  return table(
    ["CPU µs per request", ...names, "load generator's share"],
    points.map((point) => [nameOf(point), ...names.map((name) => point.cpu_us[name] ?? 0), shareCell(point)]),
  );
}

/** The most memory of each process. */
export function memoryTable(points: readonly Point[], nameOf: (point: Point) => string): string {
  const peaks = points.flatMap(({ usage }) => Object.entries(usage));
  const names = [...new Set(peaks.filter(([, { peak_mb }]) => peak_mb > 0).map(([name]) => name))];
  return table(
    ["memory at most, MB", ...names],
    points.map((point) => [nameOf(point), ...names.map((name) => point.usage[name]?.peak_mb ?? 0)]),
  );
}

/** The generator's part of the CPU time that all watched processes used. */
export function generatorShare({ usage }: Pick<Point, "usage">): number {
  const all = Object.values(usage).reduce((sum, { cpu_s }) => sum + cpu_s, 0);
  return all === 0 ? 0 : (usage["load generator"]?.cpu_s ?? 0) / all;
}

export function errorCell(errors: number): string {
  return errors === 0 ? "0" : `**${figure(errors)}**`;
}

export function bytes(count: number): string {
  return count >= 1e6 ? `${figure(count / 1e6)} MB` : `${figure(count / 1e3)} kB`;
}

function shareCell(point: Pick<Point, "usage">): string {
  return `${figure(generatorShare(point) * 100)} %`;
}
