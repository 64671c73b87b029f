import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ConfigError, loadConfig, VARIABLES } from "./config.ts";

const MINIMAL = { DATABASE_URL: "postgres://me:secret@localhost:5432/wallet", KAFKA_BROKERS: "localhost:9092" };

function problemsOf(env: Record<string, string>, service: "wallet" | "history" = "wallet"): string[] {
  try {
    loadConfig(service, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
}

describe("the configuration", () => {
  test("needs only a database and a broker", () => {
    expect(loadConfig("wallet", MINIMAL)).toMatchObject({
      service: "wallet",
      databaseUrl: MINIMAL.DATABASE_URL,
      port: 3000,
      corsOrigins: [],
      logLevel: "info",
      allowUnsafeDurability: false,
      kafka: {
        brokers: ["localhost:9092"],
        topic: "wallet-events",
        ledgerTopic: "ledger-events",
        groupId: "history-service-group",
        ledgerGroupId: "wallet-service-group",
        ssl: false,
        sasl: null,
      },
    });
    expect(loadConfig("history", MINIMAL).port).toBe(3001);
  });

  test("takes what is meant for one service before what is meant for both", () => {
    const env = {
      ...MINIMAL,
      HISTORY_DATABASE_URL: "postgres://me@elsewhere/history",
      HISTORY_PORT: "4001",
      WALLET_PORT: "4000",
    };
    expect(loadConfig("history", env)).toMatchObject({ databaseUrl: env.HISTORY_DATABASE_URL, port: 4001 });
    expect(loadConfig("wallet", env)).toMatchObject({ databaseUrl: env.DATABASE_URL, port: 4000 });
    expect(loadConfig("wallet", { ...env, PORT: "5000" }).port).toBe(5000);
  });

  test("reads lists, switches and the brokers' login", () => {
    const { kafka, corsOrigins, consoleHistoryUrl, allowUnsafeDurability } = loadConfig("wallet", {
      ...MINIMAL,
      KAFKA_BROKERS: "one:9092, two:9093,[::1]:9094",
      KAFKA_SSL: "true",
      KAFKA_SASL_MECHANISM: "SCRAM-SHA-256",
      KAFKA_SASL_USERNAME: "me",
      KAFKA_SASL_PASSWORD: "secret",
      CORS_ORIGINS: "http://localhost:3000,https://example.com",
      CONSOLE_HISTORY_URL: "https://example.com/history/",
      ALLOW_UNSAFE_DURABILITY: "1",
    });
    expect(kafka.brokers).toEqual(["one:9092", "two:9093", "[::1]:9094"]);
    expect(kafka.ssl).toBe(true);
    expect(kafka.sasl).toEqual({ mechanism: "scram-sha-256", username: "me", password: "secret" });
    expect(corsOrigins).toEqual(["http://localhost:3000", "https://example.com"]);
    expect(consoleHistoryUrl).toBe("https://example.com/history");
    expect(allowUnsafeDurability).toBe(true);
  });

  test("reads who may call, and how often", () => {
    const digest = Buffer.alloc(32, 10);
    const { apiKeys, rateLimit, trustedProxies } = loadConfig("wallet", {
      ...MINIMAL,
      API_KEYS: `shop:write:${"0a".repeat(32)}, shop:write:${"0b".repeat(32)}, office:admin:${"0C".repeat(32)}`,
      RATE_LIMIT: "6000/m burst 200",
      TRUSTED_PROXIES: "127.0.0.1, 172.16.0.0/12,fd00::/8",
    });
    expect(apiKeys.map(({ name, role }) => `${name} ${role}`)).toEqual(["shop write", "shop write", "office admin"]);
    expect(apiKeys[0]?.digest).toEqual(digest);
    expect(rateLimit).toEqual({ requests: 6000, window_ms: 60_000, burst: 200 });
    expect(trustedProxies).toEqual(["127.0.0.1", "172.16.0.0/12", "fd00::/8"]);
    expect(loadConfig("wallet", MINIMAL)).toMatchObject({ apiKeys: [], rateLimit: null, trustedProxies: [] });
    expect(loadConfig("wallet", { ...MINIMAL, RATE_LIMIT: "50/s" }).rateLimit?.burst).toBe(50);
  });

  test("counts an empty variable as absent", () => {
    expect(loadConfig("wallet", { ...MINIMAL, PORT: "", WALLET_PORT: " ", LOG_LEVEL: "" }).port).toBe(3000);
  });
});

describe("a wrong configuration", () => {
  test("is told in one go, with the name and the shape of each value", () => {
    const problems = problemsOf({ KAFKA_TOPIC: "has blanks", PORT: "70000", KAFKA_SSL: "maybe", LOG_LEVEL: "loud" });
    const names = [
      "WALLET_DATABASE_URL or DATABASE_URL",
      "KAFKA_BROKERS",
      "KAFKA_TOPIC",
      "KAFKA_SSL",
      "PORT",
      "LOG_LEVEL",
    ];
    expect(problems).toHaveLength(names.length);
    for (const name of names) expect(problems.some((problem) => problem.startsWith(name))).toBe(true);
    expect(problems.join("\n")).toContain("postgres://user:password@host:5432/database");
  });

  test.each([
    ["DATABASE_URL", "mysql://localhost/x"],
    ["DATABASE_URL", "postgres://localhost"],
    ["DATABASE_URL", "postgres://localhost/x?sslmode=prefer"],
    ["DATABASE_URL", "postgres://localhost/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem"],
    ["KAFKA_SSL_CA", "/nowhere/ca.pem"],
    ["KAFKA_SSL_CA", import.meta.path],
    ["KAFKA_BROKERS", "kafka://localhost:9092"],
    ["KAFKA_BROKERS", "localhost"],
    ["KAFKA_BROKERS", "localhost:99999"],
    ["KAFKA_REPLICATION_FACTOR", "0"],
    ["WALLET_PORT", "3e3"],
    ["CORS_ORIGINS", "http://localhost:3000/console"],
    ["CONSOLE_HISTORY_URL", "localhost:3001"],
    ["CONSOLE_HISTORY_URL", "http://localhost:3001/?x"],
    ["ALLOW_UNSAFE_DURABILITY", "sure"],
    ["KAFKA_LEDGER_TOPIC", "wallet-events"],
    ["KAFKA_LEDGER_GROUP_ID", "history-service-group"],
    ["KAFKA_SASL_USERNAME", "me"],
    ["API_KEYS", "shop"],
    ["API_KEYS", `shop:owner:${"0a".repeat(32)}`],
    ["API_KEYS", `a shop:read:${"0a".repeat(32)}`],
    ["API_KEYS", `${"x".repeat(41)}:read:${"0a".repeat(32)}`],
    ["API_KEYS", "shop:read:dw_c2VjcmV0"],
    ["API_KEYS", `one:read:${"0a".repeat(32)},two:read:${"0A".repeat(32)}`],
    ["API_KEYS", `shop:read:${"0a".repeat(32)},shop:write:${"0b".repeat(32)}`],
    ["RATE_LIMIT", "100"],
    ["RATE_LIMIT", "0/s"],
    ["RATE_LIMIT", "100/s burst"],
    ["TRUSTED_PROXIES", "nginx"],
    ["TRUSTED_PROXIES", "10.0.0.0/33"],
  ])("%s=%s is refused", (name, value) => {
    expect(problemsOf({ ...MINIMAL, [name]: value }).length).toBeGreaterThan(0);
  });

  test("never repeats a value, which may be a secret", () => {
    const told = problemsOf({
      DATABASE_URL: "postgrs://me:hunter2@localhost/x",
      KAFKA_BROKERS: "me:hunter2@broker",
      KAFKA_SASL_PASSWORD: "hunter2",
      API_KEYS: "shop:write:hunter2",
    }).join("\n");
    expect(told).not.toContain("hunter2");
  });
});

describe("a command", () => {
  test("needs only the addresses of what it talks to", () => {
    expect(loadConfig("wallet", { DATABASE_URL: MINIMAL.DATABASE_URL }, ["database"]).databaseUrl).toBe(
      MINIMAL.DATABASE_URL,
    );
    expect(loadConfig("wallet", { KAFKA_BROKERS: "a:1" }, ["broker"]).kafka.brokers).toEqual(["a:1"]);
    expect(() => loadConfig("wallet", { KAFKA_BROKERS: "a" }, ["database"])).toThrow("KAFKA_BROKERS");
  });

  test("says what is wrong and nothing else", () => {
    const run = Bun.spawnSync([process.execPath, "--no-env-file", "dev/create-topic.ts"], {
      cwd: join(import.meta.dir, ".."),
      env: {},
    });
    expect(run.exitCode).toBe(1);
    expect(run.stderr.toString()).toMatch(/^The configuration is not usable:\n {2}- KAFKA_BROKERS is missing\. .*\n$/);
  });
});

describe(".env.example", () => {
  test("has each variable that the program knows, and no other", async () => {
    const text = await Bun.file(join(import.meta.dir, "../.env.example")).text();
    const named = [...text.matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set(VARIABLES));
  });
});
