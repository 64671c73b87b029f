/** The report of a run: Markdown, and the charts that it shows. A pure function of the results. */
import type { Results } from "../results.ts";
import { baselinesSection } from "./baselines.ts";
import { growthSection, readsSection } from "./data.ts";
import { drainSection, endToEndSection, openSection } from "./flow.ts";
import { goalsOf } from "./goals.ts";
import { httpSection } from "./http.ts";
import { fairnessSection, overloadSection } from "./stress.ts";
import { table } from "./tables.ts";

export interface Report {
  readonly markdown: string;
  /** SVG by the name of its file. */
  readonly charts: Readonly<Record<string, string>>;
}

/** A part of the report: its text names its charts by their files. */
export interface Section {
  readonly markdown: string;
  readonly charts: Readonly<Record<string, string>>;
}

export function writeReport(results: Results): Report {
  const { parts } = results;
  const sections = [
    parts.http && httpSection(parts.http),
    parts.baselines && baselinesSection(parts.baselines),
    parts.open && openSection(parts.open),
    parts["end-to-end"] && endToEndSection(parts["end-to-end"]),
    parts.drain && drainSection(parts.drain),
    parts.reads && readsSection(parts.reads),
    parts.fairness && fairnessSection(parts.fairness),
    parts.overload && overloadSection(parts.overload),
    parts.growth && growthSection(parts.growth),
  ].filter((section) => section !== undefined);
  const markdown = [heading(results), goals(results), ...sections.map((section) => section.markdown), machine(results)];
  return {
    markdown: `${markdown.join("\n\n")}\n`,
    charts: Object.assign({}, ...sections.map(({ charts }) => charts)),
  };
}

function heading({ started_at, seconds, plan, missing }: Results): string {
  const lines = [
    `# Measured on ${started_at.slice(0, 10)}`,
    `Mode ${plan.mode}, ${seconds} s in all, begun at ${started_at}. Each closed loop ran ${plan.seconds} s after ${plan.warm_s} s to warm up, each open loop ${plan.open_s} s. ` +
      "What each figure means is told in docs/performance.md; all figures are in results.json.",
  ];
  if (plan.mode === "quick") lines.push("**A quick run is for a look**: its measurements are too short to be quoted.");
  if (missing.length > 0) lines.push(`**Not measured**: ${missing.join("; ")}.`);
  return lines.join("\n\n");
}

function goals(results: Results): string {
  const rows = goalsOf(results).map(({ name, goal, measured, met }) => [name, goal, measured, met ? "✓" : "✗"]);
  return `## Goals\n\n${table(["", "goal", "measured", ""], rows)}`;
}

function machine({ machine: found }: Results): string {
  const rows = [
    ["processor", `${found.processor}, ${found.cores} cores, load generator included`],
    ["memory", `${found.memory_gb} GB`],
    ["system", found.system],
    ["load average at the start", found.load_average.join(", ")],
    ["Bun", found.bun],
    ["PostgreSQL", found.postgres],
    ["broker", found.kafka],
    ["load generator", `${found.generator}; open loops: bench/load/open.ts`],
    [
      "PostgreSQL's settings",
      Object.entries(found.settings)
        .map(([name, value]) => `${name} = ${value}`)
        .join(", "),
    ],
  ];
  return `## Machine\n\n${table(["", ""], rows)}`;
}
