import type { Point } from "../measure.ts";
import { ALONE, type HttpResult, WHOLE } from "../parts/http.ts";
import type { Section } from "./report.ts";
import { barChart, stackChart } from "./svg.ts";
import { cpuTable, memoryTable, pointTable } from "./tables.ts";

/** Throughput of the system, and where its CPU time goes. */
export function httpSection({ points }: HttpResult): Section {
  const nameOf = ({ target, workload, connections }: Point): string => `${target}, ${workload}, ${connections}`;
  const most = Math.max(...points.map(({ connections }) => connections));
  const full = points.filter(({ connections }) => connections === most);
  return {
    markdown: [
      "## Transfers over HTTP, closed loop",
      `"${ALONE}" has no broker: its outbox waits, so it does what the baselines do. "${WHOLE}" publishes, and the history stores and posts at the same time, on the same cores. An Idempotency-Key on every request.`,
      pointTable(points),
      "![transfers per second](http.svg)",
      cpuTable(full, nameOf),
      "![CPU per transfer](http-cpu.svg)",
      memoryTable(full, nameOf),
    ].join("\n\n"),
    charts: {
      "http.svg": barChart(
        "Transfers over HTTP",
        "per second",
        points.map((point) => ({ name: nameOf(point), value: point.load.per_second })),
      ),
      "http-cpu.svg": stackChart(
        "CPU per transfer by process (µs)",
        full.map((point) => ({
          name: nameOf(point),
          parts: Object.entries(point.cpu_us).map(([name, value]) => ({ name, value })),
        })),
      ),
    },
  };
}
