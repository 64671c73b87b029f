/** Logs: JSON lines on standard output, lines for eyes on a terminal. Secrets are struck out wherever they may appear. */
import pino, { type DestinationStream, type Logger } from "pino";
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

/** A log. Errors are told with their causes, times are RFC 3339. */
export function createLog({ service, level, pretty, destination }: LogOptions): Log {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
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
