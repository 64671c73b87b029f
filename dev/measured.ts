/** Measurements in a document: a command measures, and writes what it found between two marks of its own. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

const BYTES_PER_GB = 2 ** 30;

/** Replaces what is between `<!-- name -->` and `<!-- /name -->`. */
export function writeBetween(file: string, name: string, text: string): void {
  const document = readFileSync(file, "utf8");
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [document.indexOf(open), document.indexOf(close)];
  if (from === -1 || to < from) throw new Error(`${file} has no place for "${name}"`);
  writeFileSync(file, `${document.slice(0, from + open.length)}\n${text.trim()}\n${document.slice(to)}`);
}

/** A table in Markdown. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Where and when it was measured, and what else the machine had to do just before: all of it changes the figures. */
export function circumstances(): string {
  const [load = 0] = loadavg();
  const memory = Math.round(totalmem() / BYTES_PER_GB);
  const day = new Date().toISOString().slice(0, "2026-01-31".length);
  const model = cpus()[0]?.model.replace(/\s+/g, " ").trim() ?? "an unknown processor";
  return `${day}, ${availableParallelism()} cores (${model}), ${memory} GB, load ${load.toFixed(1)} before it began`;
}
