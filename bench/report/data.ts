/** Reads, and what the data itself needs; growth. */
import { change, type GrowthResult, nameOf } from "../parts/growth.ts";
import type { ReadsResult } from "../parts/reads.ts";
import type { Section } from "./report.ts";
import { barChart, figure } from "./svg.ts";
import { bytes, pointTable, table } from "./tables.ts";

export function readsSection({ points, per_transfer, tables, start }: ReadsResult): Section {
  const started = Object.entries(start).map(([name, { ms, mb }]) => [name, ms, mb]);
  const peaks = Object.entries(points.at(-1)?.usage ?? {}).flatMap(([name, { peak_mb }]) =>
    peak_mb > 0 ? [`${name} ${figure(peak_mb)} MB`] : [],
  );
  const sizes = tables.map(({ name, rows, table_bytes, index_bytes }) => [
    name,
    rows,
    bytes(table_bytes),
    bytes(index_bytes),
    rows > 0 ? figure((table_bytes + index_bytes) / rows) : "–",
  ]);
  const markdown = [
    "## Reads",
    pointTable(points),
    `Memory beside the last of them: ${peaks.join(", ")}.`,
    "## What it needs to stand",
    table(["server", "ms until it is at work", "memory then, MB"], started),
    `Per transfer, with outbox, history and ledger (${figure(per_transfer.transfers)} transfers in full lists): ` +
      `${figure(per_transfer.wal_bytes)} bytes of WAL, ${figure(per_transfer.rows_inserted)} rows inserted, ${figure(per_transfer.rows_updated)} updated.`,
    table(["table", "rows", "table", "indexes", "bytes per row"], sizes),
  ].join("\n\n");
  return { markdown, charts: {} };
}

export function growthSection({ rows }: GrowthResult): Section {
  const cells = rows.map((row) => {
    const { throughput, p99 } = change(row);
    const { load } = row.point;
    return [nameOf(row.size), load.per_second, load.latency_ms.p99, `${throughput}×`, `${p99}×`];
  });
  const first = rows[0]?.base;
  const bars = [
    ...(first === undefined ? [] : [{ name: first.target, value: first.load.per_second }]),
    ...rows.map(({ size, point }) => ({ name: nameOf(size), value: point.load.per_second })),
  ];
  const markdown = [
    "## Growth",
    `Closed loop, uniform over all wallets. Each size is compared with ${first?.target ?? "the first"}, measured again before it; the middle one of all rounds counts.`,
    table(["", "transfers/s", "p99 ms", "throughput", "p99"], cells),
    "![growth](growth.svg)",
  ].join("\n\n");
  return { markdown, charts: { "growth.svg": barChart("Throughput as the data grows", "transfers per second", bars) } };
}
