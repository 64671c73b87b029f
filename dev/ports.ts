/** Free TCP ports of 127.0.0.1, kept in a file so that addresses stay the same from one start to the next. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { SetupError } from "./setup-error.ts";

/** Whether nothing listens on the port. */
export function isPortFree(port: number, hostname = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: hostname, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Below what systems give to clients (Linux from 32,768 on, others from 49,152), above what services are known by. */
const FIRST = 15_000;
const LAST = 31_999;
const TRIES = 100;

/**
 * A port on which nothing listens now. One that the system itself gives out could be given to a client before a server listens
 * there, or while a server is being started again: even to one that tries to reach that server, and so reaches itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (await isPortFree(port)) return port;
  }
  throw new SetupError(`No port of ${TRIES} between ${FIRST} and ${LAST} is free on 127.0.0.1; look for a firewall`);
}

/** The port in the file while it is free, else a new one, which the file then holds. */
export async function keptPort(file: string): Promise<number> {
  const kept = readPort(file);
  if (kept !== null && (await isPortFree(kept))) return kept;
  const port = await freePort();
  writeFileSync(file, `${port}\n`);
  return port;
}

function readPort(file: string): number | null {
  try {
    const port = Number(readFileSync(file, "utf8").trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
  } catch {
    return null;
  }
}
