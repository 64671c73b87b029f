import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { spawnService, until } from "./cluster.ts";
import { get, isAtWork, openFunded, post, prepareGround, type RunningSystem, stopAll } from "./end-to-end/system.ts";

const CHECKOUT = join(import.meta.dir, "..");

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly datasource?: { readonly uid: string };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const textOf = (path: string): Promise<string> => Bun.file(join(CHECKOUT, path)).text();
const alerts: Alerts = parse(await textOf("observability/alerts.yml"));
const dashboard: Dashboard = JSON.parse(await textOf("observability/grafana/dashboards/digital-wallet.json"));
const rules = alerts.groups.flatMap((group) => group.rules);
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
];

/** What Prometheus' own grammar takes for the names of metrics, and where it cannot read on. */
function read(expression: string): { readonly metrics: string[]; readonly faults: number[] } {
  const metrics: string[] = [];
  const faults: number[] = [];
  parser.parse(expression).iterate({
    enter(node) {
      const text = expression.slice(node.from, node.to);
      if (node.type.isError) faults.push(node.from);
      if (node.name === "VectorSelector") metrics.push(text.replace(/\{.*/s, "").trim());
    },
  });
  return { metrics, faults };
}

/** A selector without a name of its own names them by a pattern. */
const NAME_PATTERN = /__name__=~"([^"]+)"/;

describe("alerts and dashboard ask for what the servers tell", () => {
  let system: RunningSystem;
  let told: Set<string>;
  beforeAll(async () => {
    const ground = await prepareGround("observed");
    const env = { ...ground.env, INVARIANTS_INTERVAL: "1" };
    const [wallet, history] = await Promise.all([spawnService("wallet", env), spawnService("history", env)]);
    await Promise.all([wallet, history].map(isAtWork));
    system = { ...ground, wallet, history };
    const [from, to] = [await openFunded(system.wallet, "a", "5"), await openFunded(system.wallet, "b", "5")];
    const saga = { sender_wallet_id: from, receiver_wallet_id: to, amount: "1", idempotency_key: "k" };
    expect((await post(system.wallet, "/transactions", saga, { prefer: "wait=20" })).body.status).toBe("SUCCESS");
    expect((await get(system.history, `/wallets/${to}/history?min_version=3`)).status).toBe(200);
    const pages = [wallet, history].map(
      ({ url }) =>
        async () =>
          (await fetch(`${url}/metrics`)).text(),
    );
    // They are there once the first look has ended.
    for (const page of pages) await until(async () => /^\w+_invariant_holds/m.test(await page()));
    const texts = await Promise.all(pages.map((page) => page()));
    told = new Set(
      texts
        .join("\n")
        .match(/^# TYPE \S+/gm)
        ?.map((line) => line.replace("# TYPE ", "")),
    );
  });
  afterAll(() => stopAll(system, system?.wallet, system?.history));

  test.each(expressions)("%s", (_, expression) => {
    const { metrics, faults } = read(expression);
    expect(faults).toEqual([]);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) {
      const pattern = NAME_PATTERN.exec(expression)?.[1];
      if (metric === "" && pattern !== undefined) {
        const matched = [...told].filter((name) => new RegExp(`^(?:${pattern})$`).test(name));
        expect(matched.length).toBeGreaterThan(0);
      } else if (metric !== "up") expect(told).toContain(metric.replace(/_(bucket|sum|count)$/, ""));
    }
  });

  test("sagas are counted by what became of them", async () => {
    const page = await (await fetch(`${system.wallet.url}/metrics`)).text();
    expect(page).toMatch(/^wallet_operations_total\{[^}]*kind="SETTLE",outcome="ok"[^}]*\} 1$/m);
    expect(page).toMatch(/^wallet_sagas_unfinished\{[^}]*\} 0$/m);
    expect(page).toMatch(/^wallet_sagas_oldest_seconds\{[^}]*\} 0$/m);
  });
});

describe("what Prometheus and Grafana are given is whole", () => {
  test("each alert says how bad it is, what has happened, and has its place in the docs and in the rules' own tests", async () => {
    const docs = await textOf("docs/observability.md");
    const ruleTests = await textOf("observability/alerts.test.yml");
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(["page", "ticket"]).toContain(String(labels.severity));
      expect(String(annotations.summary).length).toBeGreaterThan(20);
      expect(docs).toContain(`\`${alert}\``);
      expect(ruleTests).toMatch(new RegExp(`^ +- alertname: ${alert}$`, "m"));
    }
  });

  test("the dashboard's panels do not overlap, have ids of their own, and a source that is provisioned", async () => {
    const sources: { datasources: { uid: string }[] } = parse(
      await textOf("observability/grafana/provisioning/datasources/prometheus.yml"),
    );
    const cells = new Set<string>();
    for (const { gridPos, datasource, type } of dashboard.panels) {
      if (type !== "row") expect(sources.datasources.map(({ uid }) => uid)).toContain(String(datasource?.uid));
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(x).toBeLessThan(24);
          expect(cells.has(`${x} ${y}`)).toBe(false);
          cells.add(`${x} ${y}`);
        }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  test("every file that compose hands in is there", async () => {
    const compose: { services: Record<string, { profiles?: string[]; volumes?: string[] }> } = parse(
      await textOf("compose.yaml"),
      { merge: true },
    );
    const watchers = Object.entries(compose.services).filter(([, { profiles }]) => profiles?.includes("observability"));
    expect(watchers.map(([name]) => name).sort()).toEqual(["grafana", "jaeger", "prometheus"]);
    for (const [, { volumes = [] }] of watchers)
      for (const volume of volumes.filter((each) => each.startsWith("./")))
        expect(existsSync(join(CHECKOUT, String(volume.split(":")[0])))).toBe(true);
  });
});
