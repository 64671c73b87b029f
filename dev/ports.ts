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

/** A port that the system says is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else
          reject(new SetupError("The system gave no free port on 127.0.0.1; look for a firewall or a full port range"));
      });
    });
  });
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
