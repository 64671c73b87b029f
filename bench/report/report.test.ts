import { describe, expect, test } from "bun:test";
import type { Load } from "../load/closed.ts";
import type { Point } from "../measure.ts";
import { nextRate } from "../parts/end-to-end.ts";
import { ALONE } from "../parts/http.ts";
import { recoveryOf } from "../parts/overload.ts";
import { planFor } from "../plan.ts";
import type { Results } from "../results.ts";
import { goalsOf } from "./goals.ts";
import { writeReport } from "./report.ts";
import { barChart, lineChart } from "./svg.ts";

const LATENCY = { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 };
const load = (per_second: number, errors = 0): Load => ({
  requests: per_second,
  seconds: 1,
  per_second,
  errors,
  latency_ms: LATENCY,
  cpu_s: 0.2,
});

function point(workload: string, per_second: number, errors = 0): Point {
  const usage = { wallet: { cpu_s: 0.6, peak_mb: 120 }, "load generator": { cpu_s: 0.2, peak_mb: 0 } };
  const cpu_us = { wallet: 60, "load generator": 20 };
  return { target: ALONE, workload, connections: 256, load: load(per_second, errors), usage, cpu_us };
}

const comparison = (workload: "uniform" | "hot", ratio: number) => ({
  workload,
  way: "Drizzle transaction" as const,
  by_pool: { 8: 2_000, 32: 1_000 },
  per_second: 2_000,
  system_per_second: 2_000 * ratio,
  ratio,
});

const RESULTS: Results = {
  started_at: "2026-11-21T12:00:00.000Z",
  seconds: 120,
  plan: planFor({ full: false, only: [], seconds: undefined }),
  machine: {
    processor: "one <fast> processor",
    cores: 2,
    memory_gb: 8,
    system: "linux",
    load_average: [0.1, 0.2, 0.3],
    bun: "1",
    postgres: "18",
    kafka: "Apache Kafka",
    generator: "wrk",
    settings: { fsync: "on" },
  },
  missing: ["growth: the disk is full"],
  parts: {
    http: { points: [point("uniform", 13_000), point("hot", 9_000, 7)] },
    baselines: {
      points: [],
      comparisons: [comparison("uniform", 6.5), comparison("hot", 4.5)],
      limits: {
        commits: { 1: 900 },
        full_lists: 20_000,
        single_ms: { one_call: LATENCY, list_of_one: LATENCY, http: LATENCY },
      },
    },
  },
};

describe("the report", () => {
  const { markdown, charts } = writeReport(RESULTS);

  test("shows every chart that it makes, and makes every chart that it shows", () => {
    const shown = [...markdown.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, file]) => file);
    expect(new Set(shown)).toEqual(new Set(Object.keys(charts)));
    expect(shown.length).toBeGreaterThan(1);
  });

  test("names what is missing, and marks measurements with errors", () => {
    expect(markdown).toContain("**Not measured**: growth: the disk is full");
    expect(markdown).toMatch(/wallet alone \| hot \| 256 \| 9,000 .*\*\*7\*\*/);
    expect(markdown).toContain("fsync = on");
  });

  test("tells the load generator's share of the CPU", () => {
    expect(markdown).toContain("25 %");
  });

  test("has all pool sizes of a baseline and takes the best", () => {
    expect(markdown).toMatch(/drizzle-transaction\.ts\) \| uniform \| 2,000 \| 1,000 \| 13,000 \| 6\.5/);
  });
});

describe("goals", () => {
  test("are judged by what was measured, and by nothing else", () => {
    const goals = goalsOf(RESULTS).map(({ name, met }) => [name, met]);
    expect(goals).toEqual([
      ["Transfers over HTTP, 256 connections, uniform over 1,000 wallets", true],
      ["… beside the Drizzle transaction at its best", true],
      ["Transfers over HTTP, 256 connections, into one hot wallet", false],
      ["… beside the Drizzle transaction at its best", false],
      ["One client, idle server: p50 over HTTP beside one direct SQL call", true],
      ["Memory of the wallet server under full load", true],
    ]);
    expect(goalsOf({ parts: {} })).toEqual([]);
  });
});

describe("charts", () => {
  test("escape names, and give the longest bar the whole width", () => {
    const svg = barChart("a < b", "per second", [
      { name: "small & slow", value: 1 },
      { name: "large", value: 10 },
    ]);
    expect(svg).toContain("a &lt; b");
    expect(svg).toContain("small &amp; slow");
    const widths = [...svg.matchAll(/<rect x="260" y="[\d.]+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toEqual([41, 410]);
  });

  test("draw nothing that is not a number, also of no points at all", () => {
    const axes = { title: "t", x: "x", y: "y", logarithmic: true };
    for (const points of [
      [],
      [[0, 0]],
      [
        [1, 5],
        [2, 500],
      ],
    ] as (readonly [number, number])[][]) {
      expect(lineChart(axes, [{ name: "line", points }])).not.toMatch(/NaN|Infinity/);
    }
  });
});

describe("the search for the highest rate", () => {
  const tried = (...rates: [rate: number, keeps_up: boolean][]) =>
    rates.map(([rate, keeps_up]) => ({ rate, keeps_up }));

  test("goes up while all keep up, down while none does, and then between", () => {
    expect(nextRate(tried([1_000, true]))).toBe(1_400);
    expect(nextRate(tried([1_400, false]))).toBe(1_000);
    expect(nextRate(tried([1_000, true], [1_400, false]))).toBe(1_200);
    expect(nextRate(tried([1_000, true], [1_400, false], [1_200, true]))).toBe(1_300);
  });
});

describe("recovery", () => {
  const slot = (at_s: number, p99_ms: number, good = 10) => ({ at_s, p99_ms, good, refused: 0 });

  test("is when the last bad moment is over, and never where there is none", () => {
    expect(recoveryOf([slot(9, 900), slot(10, 5), slot(11, 5)], 5, 10)).toBe(0);
    expect(recoveryOf([slot(10, 900), slot(11, 5), slot(12, 900), slot(13, 5)], 5, 10)).toBe(3);
    expect(recoveryOf([slot(10, 5), slot(11, 900)], 5, 10)).toBeNull();
    expect(recoveryOf([slot(10, 0, 0), slot(11, 5)], 5, 10)).toBe(1);
  });
});

describe("the plan", () => {
  test("takes the parts that were asked for, in its own order", () => {
    expect(planFor({ full: true, only: ["growth", "http"], seconds: 3 })).toMatchObject({
      mode: "full",
      parts: ["http", "growth"],
      seconds: 3,
      open_s: 3,
    });
  });
});
