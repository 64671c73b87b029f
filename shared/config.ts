/** All settings of the two servers and their commands: read once, checked together, explained in .env.example. */
import {
  type Parsed,
  parseBrokers,
  parseCertificates,
  parseFlag,
  parseHttpUrl,
  parseInteger,
  parseName,
  parseOneOf,
  parseOrigins,
  parsePort,
  parsePostgresUrl,
  parseShare,
  parseText,
} from "./config-values.ts";
import { parseApiKeys } from "./http/api-keys.ts";
import { parseNetworks } from "./http/client-address.ts";
import type { GuardSettings } from "./http/guard.ts";
import { parseRateLimit } from "./http/rate-limit.ts";

export type Service = "wallet" | "history";

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface SaslConfig {
  mechanism: (typeof SASL_MECHANISMS)[number];
  username: string;
  password: string;
}

export interface KafkaConfig {
  brokers: string[];
  /** What happened to wallets: the wallet service writes, the history service reads. */
  topic: string;
  /** What the ledger decided: the history service writes, the wallet service reads. */
  ledgerTopic: string;
  /** The history service's consumer group on `topic`. */
  groupId: string;
  /** The wallet service's consumer group on `ledgerTopic`. */
  ledgerGroupId: string;
  /** Copies of each partition for `create-topic`; null lets the number of brokers decide. */
  replicationFactor: number | null;
  ssl: boolean;
  /** Who may vouch for the brokers, as PEM; null: those whom the system trusts. */
  sslCa: string | null;
  sasl: SaslConfig | null;
}

export interface OtlpConfig {
  /** Of a receiver of OTLP over HTTP, without `/v1/traces`. */
  endpoint: string;
  /** Share of the traces begun here that are recorded, 0 to 1. */
  ratio: number;
}

export interface Config extends GuardSettings {
  service: Service;
  databaseUrl: string;
  kafka: KafkaConfig;
  port: number;
  hostname: string;
  /** Origins whose pages may call this server; `*` for all; empty for none. */
  corsOrigins: string[];
  /** The history service as browsers reach it, for the wallet's console; null where both are behind one door. */
  consoleHistoryUrl: string | null;
  logLevel: LogLevel;
  /** Logs for eyes, on a terminal; JSON lines elsewhere. */
  prettyLogs: boolean;
  /** Between two looks at the invariants, at least; 0: none. */
  invariantsIntervalMs: number;
  /** Where spans go; null for nowhere, and then nothing is traced. */
  otlp: OtlpConfig | null;
  /** Start although the database may lose commits it has confirmed. */
  allowUnsafeDurability: boolean;
}

/** The settings are wrong; the message lists all that is wrong, one line each, without any secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

const DEFAULT_PORT: Record<Service, number> = { wallet: 3000, history: 3001 };
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const SASL_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;
/** Kafka's own limit is a signed 16-bit number; nobody has more brokers than this. */
const MAX_REPLICATION = 100;
/** A fault in the money is seen within a minute of its look; a larger database is looked at more rarely by itself. */
const DEFAULT_INVARIANTS_INTERVAL_S = 60;
/** A day. */
const MAX_INTERVAL_S = 86_400;
const MS_PER_S = 1_000;

/** The variables that this program knows, for .env.example and compose.yaml to agree with. */
export const VARIABLES = [
  "DATABASE_URL",
  "WALLET_DATABASE_URL",
  "HISTORY_DATABASE_URL",
  "ALLOW_UNSAFE_DURABILITY",
  "KAFKA_BROKERS",
  "KAFKA_TOPIC",
  "KAFKA_LEDGER_TOPIC",
  "KAFKA_GROUP_ID",
  "KAFKA_LEDGER_GROUP_ID",
  "KAFKA_REPLICATION_FACTOR",
  "KAFKA_SSL",
  "KAFKA_SSL_CA",
  "KAFKA_SASL_MECHANISM",
  "KAFKA_SASL_USERNAME",
  "KAFKA_SASL_PASSWORD",
  "PORT",
  "WALLET_PORT",
  "HISTORY_PORT",
  "HOST",
  "CORS_ORIGINS",
  "CONSOLE_HISTORY_URL",
  "API_KEYS",
  "RATE_LIMIT",
  "TRUSTED_PROXIES",
  "LOG_LEVEL",
  "INVARIANTS_INTERVAL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_TRACES_SAMPLER_ARG",
] as const;

export type Variable = (typeof VARIABLES)[number];
type Environment = Readonly<Record<string, string | undefined>>;

/** What a program talks to; the address of what it does not talk to may be missing. */
export type Need = "database" | "broker";
const BOTH: readonly Need[] = ["database", "broker"];

/** The settings of a program, for its main.ts: where they are wrong, that is all it says before it ends. */
export function configOrExit(service: Service, needs = BOTH): Config {
  try {
    return loadConfig(service, process.env, needs);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** The settings of one service. An empty variable counts as absent. Throws ConfigError. */
export function loadConfig(service: Service, env: Environment = process.env, needs = BOTH): Config {
  const read = new Reader(env);
  const ownDatabase = service === "wallet" ? "WALLET_DATABASE_URL" : "HISTORY_DATABASE_URL";
  const ownPort = service === "wallet" ? "WALLET_PORT" : "HISTORY_PORT";
  const config: Config = {
    service,
    databaseUrl: read.address([ownDatabase, "DATABASE_URL"], parsePostgresUrl, "", needs.includes("database")),
    kafka: kafka(read, needs.includes("broker")),
    port: read.optional(["PORT", ownPort], parsePort, DEFAULT_PORT[service]),
    hostname: read.optional(["HOST"], parseText, "0.0.0.0"),
    corsOrigins: read.optional(["CORS_ORIGINS"], parseOrigins, []),
    consoleHistoryUrl: read.optional(["CONSOLE_HISTORY_URL"], parseHttpUrl, null),
    apiKeys: read.optional(["API_KEYS"], parseApiKeys, []),
    rateLimit: read.optional(["RATE_LIMIT"], parseRateLimit, null),
    trustedProxies: read.optional(["TRUSTED_PROXIES"], parseNetworks, []),
    logLevel: read.optional(["LOG_LEVEL"], (text) => parseOneOf(LOG_LEVELS, text), "info"),
    prettyLogs: process.stdout.isTTY,
    invariantsIntervalMs:
      read.optional(
        ["INVARIANTS_INTERVAL"],
        (text) => parseInteger(text, 0, MAX_INTERVAL_S),
        DEFAULT_INVARIANTS_INTERVAL_S,
      ) * MS_PER_S,
    otlp: otlp(read),
    allowUnsafeDurability: read.optional(["ALLOW_UNSAFE_DURABILITY"], parseFlag, false),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

function kafka(read: Reader, needed: boolean): KafkaConfig {
  const config: KafkaConfig = {
    brokers: read.address(["KAFKA_BROKERS"], parseBrokers, [], needed),
    topic: read.optional(["KAFKA_TOPIC"], parseName, "wallet-events"),
    ledgerTopic: read.optional(["KAFKA_LEDGER_TOPIC"], parseName, "ledger-events"),
    groupId: read.optional(["KAFKA_GROUP_ID"], parseName, "history-service-group"),
    ledgerGroupId: read.optional(["KAFKA_LEDGER_GROUP_ID"], parseName, "wallet-service-group"),
    replicationFactor: read.optional(
      ["KAFKA_REPLICATION_FACTOR"],
      (text) => parseInteger(text, 1, MAX_REPLICATION),
      null,
    ),
    ssl: read.optional(["KAFKA_SSL"], parseFlag, false),
    sslCa: read.optional(["KAFKA_SSL_CA"], parseCertificates, null),
    sasl: sasl(read),
  };
  if (config.sslCa !== null && !config.ssl) {
    read.problems.push("KAFKA_SSL_CA is set and KAFKA_SSL is not: without it the brokers are reached in the clear");
  }
  if (config.topic === config.ledgerTopic) {
    read.problems.push("KAFKA_LEDGER_TOPIC is the same as KAFKA_TOPIC: give the ledger's answers a topic of their own");
  }
  if (config.groupId === config.ledgerGroupId) {
    read.problems.push("KAFKA_LEDGER_GROUP_ID is the same as KAFKA_GROUP_ID: give each service a group of its own");
  }
  return config;
}

/** The names are OpenTelemetry's own. */
function otlp(read: Reader): OtlpConfig | null {
  const endpoint = read.optional(["OTEL_EXPORTER_OTLP_ENDPOINT"], parseHttpUrl, null);
  const ratio = read.optional(["OTEL_TRACES_SAMPLER_ARG"], parseShare, 1);
  return endpoint === null ? null : { endpoint, ratio };
}

function sasl(read: Reader): SaslConfig | null {
  const names = ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"] as const;
  const missing = names.filter((name) => !read.has(name));
  if (missing.length === names.length) return null;
  for (const name of missing)
    read.problems.push(`${name} is missing: ${names.join(", ")} go together, set all or none`);
  return {
    mechanism: read.optional([names[0]], (text) => parseOneOf(SASL_MECHANISMS, text), "plain"),
    username: read.optional([names[1]], parseText, ""),
    password: read.optional([names[2]], parseText, ""),
  };
}

/** Reads variables and collects what is wrong with them. What it returns for a wrong one is never used. */
class Reader {
  readonly problems: string[] = [];
  constructor(private readonly env: Environment) {}

  has(name: Variable): boolean {
    return this.text(name) !== "";
  }

  /** The first of the variables that is set; the fallback if none is. */
  optional<T, F>(names: readonly Variable[], parse: (text: string) => Parsed<T>, fallback: F): T | F {
    const name = names.find((each) => this.has(each));
    if (name === undefined) return fallback;
    const parsed = parse(this.text(name));
    if (parsed.ok) return parsed.value;
    this.problems.push(`${name} is not ${parsed.expected}`);
    return fallback;
  }

  /** The same, where none being set is a problem too if it is needed. */
  address<T>(names: readonly Variable[], parse: (text: string) => Parsed<T>, placeholder: T, needed: boolean): T {
    if (!needed || names.some((name) => this.has(name))) return this.optional(names, parse, placeholder);
    const parsed = parse("");
    const expected = parsed.ok ? "a value" : parsed.expected;
    this.problems.push(`${names.join(" or ")} is missing. It is ${expected}; \`bun start\` brings its own`);
    return placeholder;
  }

  private text(name: Variable): string {
    return (this.env[name] ?? "").trim();
  }
}
