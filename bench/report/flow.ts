/** Latency below the maximum, and how events flow from the wallet into history and ledger. */
import type { DrainResult } from "../parts/drain.ts";
import type { EndToEndResult } from "../parts/end-to-end.ts";
import type { OpenPartResult } from "../parts/open.ts";
import type { Section } from "./report.ts";
import { figure, lineChart } from "./svg.ts";
import { cpuTable, errorCell, LATENCY_HEAD, latencyCells, table } from "./tables.ts";

export function openSection({ rows }: OpenPartResult): Section {
  const cells = rows.map(({ target, share, rate, point, lag }) => {
    const counts = point.result.phases[0];
    const errors = counts === undefined ? 0 : counts.planned - counts.good;
    const latency = counts === undefined ? [0, 0, 0, 0] : latencyCells(counts.latency_ms);
    const behind = lag === null ? ["–", "–"] : [figure(lag.p50), figure(lag.p99)];
    return [target, `${share * 100} %`, rate, ...latency, errorCell(errors), ...behind];
  });
  const targets = [...new Set(rows.map(({ target }) => target))];
  const lines = targets.flatMap((target) =>
    (["p50", "p99"] as const).map((quantile) => ({
      name: `${target}, ${quantile}`,
      points: rows
        .filter((row) => row.target === target)
        .map((row) => [row.rate, row.point.result.phases[0]?.latency_ms[quantile] ?? 0] as const),
    })),
  );
  const markdown = [
    "## Latency, open loop",
    "Requests start at fixed moments from a process of its own; latency is from the intended moment to the 2xx. The share is of the same server's closed-loop maximum. Lag is from an event's happening to its row in the history.",
    table(["", "share", "requests/s", ...LATENCY_HEAD, "errors", "lag p50 ms", "lag p99 ms"], cells),
    "![latency by rate](open.svg)",
    cpuTable(
      rows.map(({ point }) => point),
      (point) => {
        const row = rows.find((each) => each.point === point);
        return row === undefined ? point.target : `${row.target}, ${row.share * 100} %`;
      },
    ),
  ].join("\n\n");
  const axes = { title: "Latency by rate, open loop", x: "requests per second", y: "ms", logarithmic: true };
  return { markdown, charts: { "open.svg": lineChart(axes, lines) } };
}

export function endToEndSection({ tries, highest_per_second }: EndToEndResult): Section {
  const rows = tries
    .toSorted((a, b) => a.rate - b.rate)
    .map(({ rate, keeps_up, lag, point }) => {
      const counts = point.result.phases[0];
      const errors = counts === undefined ? 0 : counts.planned - counts.good;
      return [
        rate,
        keeps_up ? "keeps up" : "falls behind",
        lag.p50,
        lag.p99,
        lag.growth_ms,
        counts?.latency_ms.p99 ?? 0,
        errorCell(errors),
      ];
    });
  const markdown = [
    "## End to end",
    `The highest steady rate at which every event is in the audit trail and posted in the ledger with p99 below a second and a lag that grows by less than 50 ms in a second, each answer within a second: **${figure(highest_per_second)} transfers/s**.`,
    table(["transfers/s", "history", "lag p50 ms", "lag p99 ms", "lag grows, ms/s", "answer p99 ms", "errors"], rows),
    cpuTable(
      tries.map(({ point }) => point),
      (point) => `${tries.find((each) => each.point === point)?.rate ?? 0} transfers/s`,
    ),
  ].join("\n\n");
  return { markdown, charts: {} };
}

export function drainSection({ events, relay, history }: DrainResult): Section {
  const rows = (
    [
      ["relay: outbox → topic", relay],
      ["history: topic → audit trail and ledger", history],
    ] as const
  ).map(([name, { per_second, seconds, usage }]) => [
    name,
    per_second,
    seconds,
    Object.entries(usage)
      .map(([process, { cpu_s }]) => `${process} ${figure((cpu_s * 1e6) / events)}`)
      .join(", "),
  ]);
  const markdown = [
    "## Draining a backlog",
    `${figure(events)} events: the relay publishes them with nothing else to do, then the history takes them in.`,
    table(["", "events/s", "seconds", "CPU µs per event"], rows),
  ].join("\n\n");
  return { markdown, charts: {} };
}
