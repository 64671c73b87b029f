import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import { loadConfig, VARIABLES } from "../shared/config.ts";

const CHECKOUT = join(import.meta.dir, "..");
const BUILT = ["migrate", "create-topic", "wallet", "history"];

interface ComposeService {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  restart?: string;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  healthcheck?: unknown;
  depends_on?: Record<string, { condition: string }>;
  volumes?: string[];
}

interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

function text(name: string): Promise<string> {
  return Bun.file(join(CHECKOUT, name)).text();
}

async function compose(): Promise<Compose> {
  return parse(await text("compose.yaml"), { merge: true });
}

/** What Docker would put in for `${NAME:-default}` where NAME is not set. */
function filledIn(environment: Record<string, string>): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/g, "$1")]));
}

describe("compose.yaml", () => {
  test("is valid by the Compose Specification", async () => {
    const { $schema: _, ...schema } = JSON.parse(await text("test/compose-spec.schema.json"));
    // The specification uses formats and unions that Ajv's strict mode has opinions about.
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(await compose()) ? [] : validate.errors).toEqual([]);
    expect(validate({ services: { wallet: { comand: "typo" } } })).toBe(false);
  });

  test("gives the servers only settings that they know, and all that they need", async () => {
    const { services } = await compose();
    for (const name of BUILT) {
      const environment = services[name]?.environment ?? {};
      expect(VARIABLES.filter((variable) => variable in environment)).toHaveLength(Object.keys(environment).length);
    }
    expect(loadConfig("wallet", filledIn(services.wallet?.environment ?? {})).databaseUrl).toContain(
      "@postgres:5432/wallet",
    );
    expect(loadConfig("history", filledIn(services.history?.environment ?? {})).kafka.brokers).toEqual([
      "redpanda:9092",
    ]);
  });

  test("runs commands of package.json", async () => {
    const { services } = await compose();
    const { scripts } = JSON.parse(await text("package.json"));
    for (const name of BUILT) {
      const [bun, run, script = ""] = services[name]?.command ?? [];
      expect([bun, run]).toEqual(["bun", "run"]);
      expect(scripts).toHaveProperty(script);
    }
  });

  test("names exact versions, the same Bun as package.json", async () => {
    const { services } = await compose();
    for (const { image, build } of Object.values(services))
      if (build === undefined) expect(image).toMatch(/:v?\d+\.\d+/);
    const { packageManager } = JSON.parse(await text("package.json"));
    const images = [...(await text("Dockerfile")).matchAll(/^FROM oven\/bun:([\d.]+)/gm)].map(
      ([, version]) => `bun@${version}`,
    );
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) expect(image).toBe(packageManager);
  });

  test("comes back by itself, and waits for what it needs", async () => {
    const { services, volumes } = await compose();
    for (const [name, service] of Object.entries(services)) {
      const once = ["migrate", "create-topic"].includes(name);
      expect(service.restart).toBe(once ? "on-failure" : "unless-stopped");
      if (!once) expect(service.healthcheck).toBeDefined();
      expect(service.cap_drop).toEqual(["ALL"]);
      for (const needed of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty(needed);
    }
    expect(services.wallet?.depends_on?.migrate?.condition).toBe("service_completed_successfully");
    for (const name of Object.keys(volumes)) expect(JSON.stringify(services)).toContain(`"${name}:/`);
  });

  test("keeps events and commits on the disk before they are acknowledged", async () => {
    const { services } = await compose();
    const flags = [...(services.redpanda?.command ?? []), ...(services.postgres?.command ?? [])].join(" ");
    expect(flags).not.toMatch(/dev-container|unsafe-bypass-fsync|write_caching|fsync=off|synchronous_commit/);
  });
});

describe("nginx.conf", () => {
  test("passes on to the names and ports of compose.yaml", async () => {
    const { services } = await compose();
    const upstreams = [...(await text("nginx.conf")).matchAll(/server (\w+):(\d+) resolve/g)];
    expect(upstreams.map(([, name, port]) => [name, Number(port)])).toEqual(
      (["wallet", "history"] as const).map((name) => [
        name,
        loadConfig(name, filledIn(services[name]?.environment ?? {})).port,
      ]),
    );
  });
});
