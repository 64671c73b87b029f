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
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  mem_limit?: string;
  cpus?: number;
  cpu_shares?: number;
  pids_limit?: number;
  ulimits?: { nofile: number };
  logging?: { driver: string; options: Record<string, string> };
  privileged?: boolean;
  cap_add?: string[];
  network_mode?: string;
  ports?: string[];
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

/** Its image holds one program and nothing that could look after it; nobody waits for it either. */
const UNSEEN = new Set(["jaeger"]);

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
      if (!once && !UNSEEN.has(name)) expect(service.healthcheck).toBeDefined();
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

/** Redpanda's image names its own user, and rpk writes its configuration below /etc. */
const OWN_WAYS = new Set(["redpanda"]);

describe("a container that is taken over has little to take", () => {
  test("no service is root, gains rights, has capabilities, or changes its image", async () => {
    const { services } = await compose();
    for (const [name, service] of Object.entries(services)) {
      const { cap_drop, security_opt, privileged, cap_add, network_mode } = service;
      expect({ name, cap_drop, security_opt, privileged, cap_add, network_mode }).toEqual({
        ...{ name, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] },
        ...{ privileged: undefined, cap_add: undefined, network_mode: undefined },
      });
      expect(JSON.stringify(service.volumes ?? [])).not.toContain("docker.sock");
      if (OWN_WAYS.has(name)) continue;
      expect([name, service.read_only]).toEqual([name, true]);
      expect([name, service.user]).toEqual([name, expect.stringMatching(/^(?!root\b|0\b)\w/)]);
      for (const folder of service.tmpfs ?? []) expect(folder).toMatch(/:size=\d+m$/);
    }
  });

  test("each has its share of the machine, and its logs theirs of the disk", async () => {
    const { services } = await compose();
    for (const [name, { mem_limit, cpus, cpu_shares, pids_limit, logging }] of Object.entries(services)) {
      expect([name, mem_limit]).toEqual([name, expect.stringMatching(/^\d+[mg]$/)]);
      expect([name, Number(cpu_shares ?? cpus) > 0, Number(pids_limit) > 0]).toEqual([name, true, true]);
      // Docker starts nothing that is given more processors than there are.
      expect(Number(cpus ?? 1)).toBeLessThanOrEqual(1);
      expect([name, logging?.options]).toEqual([name, { "max-size": "10m", "max-file": "3" }]);
    }
    for (const name of ["wallet", "history", "nginx"]) expect(services[name]?.ulimits?.nofile).toBe(65_536);
  });

  test("only the door can be reached from outside; what is for operators, from this machine", async () => {
    const { services } = await compose();
    const open = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
    expect(open.filter((port) => !port.includes(" 127.0.0.1:"))).toEqual(["nginx 8080:8080"]);
  });

  test("the image's user is not root and owns nothing in it, and no secret is copied into it", async () => {
    const lines = (await text("Dockerfile")).split("\n");
    const last = lines.findLastIndex((line) => line.startsWith("USER "));
    expect(lines[last]).toMatch(/^USER [1-9]\d*:[1-9]\d*$/);
    expect(lines.slice(last).filter((line) => /^(COPY|ADD|RUN)\b/.test(line))).toEqual([]);
    expect(lines.filter((line) => /--chown|^ADD\b|^ARG\b|PASSWORD|TOKEN/.test(line))).toEqual([]);
    const [nothing, ...but] = (await text(".dockerignore")).trim().split("\n");
    expect(nothing).toBe("*");
    expect(
      but.filter((line) => !/^!(\w+|(package|tsconfig)\.json|bun\.lock|bunfig\.toml)$|^\*\*\//.test(line)),
    ).toEqual([]);
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
