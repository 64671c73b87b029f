import type { BaselinesResult } from "../parts/baselines.ts";
import { ALONE } from "../parts/http.ts";
import type { Section } from "./report.ts";
import { barChart } from "./svg.ts";
import { LATENCY_HEAD, latencyCells, pointTable, table } from "./tables.ts";

/** Where each baseline is written. */
const CODE = {
  "Drizzle transaction": "bench/baselines/drizzle-transaction.ts",
  "one SQL call": "bench/baselines/single-call.ts",
  "optimistic version": "bench/baselines/optimistic.ts",
} as const;

/** The system beside other ways of writing the same rows, and beside the machine's limits. */
export function baselinesSection({ points, comparisons, limits }: BaselinesResult): Section {
  const pools = [...new Set(comparisons.flatMap(({ by_pool }) => Object.keys(by_pool)))];
  const rows = comparisons.map((each) => [
    `[${each.way}](../../../${CODE[each.way]})`,
    each.workload,
    ...pools.map((pool) => each.by_pool[pool] ?? 0),
    each.system_per_second,
    each.ratio,
  ]);
  const { single_ms, commits, full_lists } = limits;
  const singles = [
    ["one SQL call, direct", ...latencyCells(single_ms.one_call)],
    ["apply_operations() with a list of one, direct", ...latencyCells(single_ms.list_of_one)],
    [`${ALONE}, over HTTP`, ...latencyCells(single_ms.http)],
  ];
  const markdown = [
    "## Beside other ways of writing the same rows",
    `Medians in transfers/s. Each baseline is behind Elysia on the same tables and writes the same rows: both wallets, two lines, the key with its answer, two events; nothing is published. The system is "${ALONE}", measured before each baseline in the same run; the ratio is to the baseline's best pool.`,
    table(["way", "load", ...pools.map((pool) => `pool of ${pool}`), "this system", "ratio"], rows),
    "![baselines](baselines.svg)",
    "### Limits of the machine",
    `Commits of a single row per second: ${Object.entries(commits)
      .map(([connections, rate]) => `${Math.round(rate).toLocaleString("en")} on ${connections} connections`)
      .join(
        ", ",
      )}. The SQL function with lists of 500, called directly: ${Math.round(full_lists).toLocaleString("en")} transfers/s.`,
    "One client on an idle server, one transfer after the other:",
    table(["", ...LATENCY_HEAD], singles),
    "<details><summary>Every measurement</summary>",
    pointTable(points),
    "</details>",
  ].join("\n\n");
  const bars = comparisons.flatMap(({ way, workload, per_second }) => ({
    name: `${way}, ${workload}`,
    value: per_second,
  }));
  const system = (["uniform", "hot"] as const).map((workload) => ({
    name: `this system, ${workload}`,
    value: comparisons.find((each) => each.workload === workload)?.system_per_second ?? 0,
  }));
  return {
    markdown,
    charts: { "baselines.svg": barChart("Transfers, each at its best", "per second", [...system, ...bars]) },
  };
}
