/** A PostgreSQL and a broker that take nobody in the clear, for tests. They end with the test run at the latest. */
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { startBroker } from "../dev/broker.ts";
import { kafkaLibs } from "../dev/kafka-libs.ts";
import { freePort } from "../dev/ports.ts";
import { startPostgres } from "../dev/postgres.ts";
import { serverUser } from "../dev/postgres-files.ts";
import { record } from "../dev/processes.ts";
import { type Certificate, inOneFile, issue, makeAuthority } from "./certificates.ts";
import { clusterFolder } from "./cluster.ts";

export interface Authorities {
  /** The one that has vouched for the servers, and one that has not. */
  readonly ours: Certificate;
  readonly other: Certificate;
  /** The servers' own: they are `localhost`, and not 127.0.0.1. */
  readonly server: Certificate;
}

export async function makeAuthorities(): Promise<Authorities> {
  const folder = join(await clusterFolder(), `tls-${crypto.randomUUID().slice(0, 8)}`);
  const ours = makeAuthority(folder, "ours");
  return { ours, other: makeAuthority(folder, "other"), server: issue(folder, ours, ["DNS:localhost"]) };
}

export interface SecurePostgres {
  readonly port: number;
  /** The address of a database at a name of this machine, with what is said about TLS. */
  url(host: "localhost" | "127.0.0.1", query: string): string;
  stop(): Promise<void>;
}

/** Its host-based authentication has no entry for a session in the clear. */
export async function startSecurePostgres({ server }: Authorities): Promise<SecurePostgres> {
  const dataDir = join(await clusterFolder(), `postgres-${crypto.randomUUID().slice(0, 8)}`);
  mkdirSync(dataDir, { recursive: true });
  const access = join(dataDir, "access.conf");
  writeFileSync(access, "hostssl all all 127.0.0.1/32 scram-sha-256\n");
  const user = serverUser(join(dataDir, "data"));
  // The server insists on being the only one that can read its key.
  for (const file of [access, server.key, server.cert]) if (user !== null) chownSync(file, user.uid, user.gid);
  const settings = { ssl: "on", ssl_cert_file: server.cert, ssl_key_file: server.key, hba_file: access };
  const postgres = await startPostgres({ dataDir, temporary: true, settings });
  record(join(await clusterFolder(), "services", `${postgres.pid}.json`), postgres.pid);
  return {
    port: postgres.port,
    url(host, query) {
      const url = new URL(postgres.url);
      url.hostname = host;
      return `${url.href}${query}`;
    },
    stop: () => postgres.stop("immediate"),
  };
}

export const LOGIN = { username: "wallet-service", password: "correct-horse" } as const;

export interface SecureBroker {
  readonly port: number;
  kill(): Promise<void>;
}

/** Clients encrypt, and log in by SCRAM as {@link LOGIN}. */
export async function startSecureBroker({ server }: Authorities): Promise<SecureBroker> {
  const dataDir = join(await clusterFolder(), `kafka-${crypto.randomUUID().slice(0, 8)}`);
  const port = await freePort();
  const libsDir = await kafkaLibs(join(import.meta.dir, "../.data/kafka"), () => undefined);
  const secure = { port, host: "localhost", keystore: inOneFile(server), ...LOGIN };
  const broker = await startBroker({ dataDir, libsDir, secure });
  record(join(await clusterFolder(), "services", `${broker.pid}.json`), broker.pid);
  return { port, kill: () => broker.kill() };
}

export interface BlindRelay {
  readonly port: number;
  /** From now on what is sent on the present connections vanishes, and nobody is told; new ones are in order. */
  blackHole(): void;
  close(): void;
}

/** Passes on bytes that it does not understand, as encrypted ones are. */
export async function startBlindRelay(target_port: number): Promise<BlindRelay> {
  const pairs = new Set<{ readonly ends: readonly [Socket, Socket]; dark: boolean }>();
  const listener = createServer((client) => {
    const server = connect(target_port, "127.0.0.1");
    const pair: { readonly ends: readonly [Socket, Socket]; dark: boolean } = { ends: [client, server], dark: false };
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true).on("error", () => from.destroy());
      from.on("data", (bytes: Buffer) => {
        if (!pair.dark) to.write(bytes);
      });
      from.on("close", () => {
        if (!pair.dark) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    blackHole() {
      for (const pair of pairs) pair.dark = true;
    },
    close() {
      listener.close();
      for (const { ends } of pairs) for (const end of ends) end.destroy();
    },
  };
}
