/** Logs: JSON lines on standard output, lines for eyes on a terminal. Secrets, and the data of statements, are struck out wherever they may appear. */
import pino, { type DestinationStream, type Logger, stdSerializers } from "pino";
import type { LogLevel } from "./config.ts";

export type Log = Logger;

export interface LogOptions {
  /** What writes: `wallet`, `history`, `migrate`, … */
  service: string;
  level: LogLevel;
  pretty: boolean;
  /** Where to, instead of standard output. */
  destination?: DestinationStream;
}

/** Fields that are struck out, at the top and one level down. */
const SECRETS = ["password", "authorization", "cookie", "databaseUrl", "database_url", "api_key", "sasl"];

/** A password in a connection address, as errors of drivers repeat it. */
const PASSWORD_IN_URL = /(\w+:\/\/[^\s:/@]*:)[^\s@]+@/g;

/** Members of a database's error that repeat what was to be written: amounts, and what people wrote. */
const DATA = ["detail", "params", "parameters", "args", "query"];

/** An error with its causes, without the data that drivers attach. */
function tellError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const told: Record<string, unknown> = { ...stdSerializers.err(error) };
  for (const member of DATA) if (member in told) told[member] = "[data]";
  const parameters = parametersIn(error);
  if (parameters === undefined) return told;
  for (const [member, text] of Object.entries(told))
    if (typeof text === "string") told[member] = text.replaceAll(parameters, "\nparams: [data]");
  return told;
}

/** Drizzle writes the parameters of a statement into the message of its error. */
function parametersIn(error: Error): string | undefined {
  return "params" in error && Array.isArray(error.params) ? `\nparams: ${error.params.join(",")}` : undefined;
}

/** A log. Errors are told with their causes, times are RFC 3339. */
export function createLog({ service, level, pretty, destination }: LogOptions): Log {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: tellError },
      redact: { paths: [...SECRETS, ...SECRETS.map((name) => `*.${name}`)], censor: "[secret]" },
      hooks: { streamWrite: (line) => line.replaceAll(PASSWORD_IN_URL, "$1[secret]@") },
    },
    destination ?? (pretty ? prettyStream() : undefined) ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** pino-pretty in this thread (a transport in a worker would lose the last lines of a crash); absent in production. */
function prettyStream(): DestinationStream | undefined {
  try {
    const load: typeof import("pino-pretty") = require("pino-pretty");
    return load.build({ sync: true, ignore: "pid,hostname,service", messageFormat: "{service}: {msg}" });
  } catch {
    return undefined;
  }
}
