/** Fairness and overload. */
import type { FairnessResult } from "../parts/fairness.ts";
import type { OverloadResult, OverloadRun } from "../parts/overload.ts";
import type { Section } from "./report.ts";
import { figure, lineChart } from "./svg.ts";
import { errorCell, LATENCY_HEAD, latencyCells, table } from "./tables.ts";

export function fairnessSection({ probes, hot_slowdown, hostile_slowdown, sagas }: FairnessResult): Section {
  const probed = probes.map(({ background, background_per_second, latency_ms, failed }) => [
    background,
    background_per_second,
    ...latencyCells(latency_ms),
    errorCell(failed),
  ]);
  const ended = sagas.map(({ background, ended: count, latency_ms, failed }) => [
    background,
    count,
    ...latencyCells(latency_ms),
    errorCell(failed),
  ]);
  const markdown = [
    "## Fairness",
    `A probe of 100 transfers/s between wallets that the load beside it does not touch. Beside a hot wallet its p99 is ${figure(hot_slowdown)}× what it is beside the same load spread out; beside slow and huge requests ${figure(hostile_slowdown)}× what it is beside nothing.`,
    table(["beside", "load/s", ...LATENCY_HEAD, "failed"], probed),
    "Sagas from the request to their final state:",
    table(["beside", "ended", ...LATENCY_HEAD, "failed"], ended),
  ].join("\n\n");
  return { markdown, charts: {} };
}

export function overloadSection({ runs }: OverloadResult): Section {
  const head = [
    "",
    "planned",
    "in time",
    "late",
    "503",
    "without Retry-After",
    "failed",
    "not sent",
    "2xx p99 ms",
    "503 p99 ms",
  ];
  const told = runs.flatMap((run) => [
    `### ${run.target}`,
    summaryOf(run),
    table(head, phaseRows(run)),
    `![answers over time](${chartOf(run)}.svg)`,
    `![latency over time](${chartOf(run)}-latency.svg)`,
  ]);
  const markdown = ["## Overload", "Open loop with a deadline of a second on each request.", ...told].join("\n\n");
  return { markdown, charts: Object.assign({}, ...runs.map(chartsOf)) };
}

function summaryOf({ goodput, max_per_second, recovery_s, memory_mb }: OverloadRun): string {
  const share = figure((goodput / max_per_second) * 100);
  const recovery = recovery_s === null ? "never again while it was looked" : `${figure(recovery_s)} s after the burst`;
  return (
    `In time at twice the maximum: ${figure(goodput)}/s, ${share} % of ${figure(max_per_second)}/s. Latency as before ${recovery}. ` +
    `Memory of the wallet server: ${figure(memory_mb.before)} MB before, ${figure(memory_mb.peak)} MB at most, ${figure(memory_mb.after)} MB after.`
  );
}

function phaseRows({ before, burst, after, burst_s }: OverloadRun) {
  const phases = [
    ["half of the maximum", before],
    [`twice the maximum, ${burst_s} s`, burst],
    ["half of the maximum", after],
  ] as const;
  return phases.map(([name, counts]) => [
    name,
    counts.planned,
    counts.good,
    counts.late,
    counts.refused,
    counts.without_retry_after,
    counts.failed,
    counts.unsent,
    counts.latency_ms.p99,
    counts.refusal_ms.p99,
  ]);
}

function chartOf({ target }: OverloadRun): string {
  return `overload-${target.replaceAll(" ", "-")}`;
}

function chartsOf(run: OverloadRun): Section["charts"] {
  const { target, slots } = run;
  const per_second = slots.length > 1 ? 1 / ((slots[1]?.at_s ?? 1) - (slots[0]?.at_s ?? 0)) : 1;
  const answers = { title: `Answers over time, ${target}`, x: "seconds", y: "per second" };
  const latency = { title: `Latency of 2xx over time, ${target}`, x: "seconds", y: "ms", logarithmic: true };
  return {
    [`${chartOf(run)}.svg`]: lineChart(answers, [
      { name: "2xx in time", points: slots.map(({ at_s, good }) => [at_s, good * per_second]) },
      { name: "503", points: slots.map(({ at_s, refused }) => [at_s, refused * per_second]) },
    ]),
    [`${chartOf(run)}-latency.svg`]: lineChart(latency, [
      { name: "p99", points: slots.map(({ at_s, p99_ms }) => [at_s, p99_ms]) },
    ]),
  };
}
