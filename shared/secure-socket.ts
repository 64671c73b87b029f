import { connect as connectTcp, isIP, Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { namesHost } from "./certificates.ts";
import type { DatabaseTls } from "./database-address.ts";
import { withDeadline } from "./deadline.ts";

/**
 * Encrypted sockets to PostgreSQL, ready for postgres.js. They are made here, because what postgres.js encrypts itself is out of
 * reach of whoever watches over its sockets: they hang for a quarter of an hour when the network drops their packets.
 */

/** The message that asks a server for TLS, and its word for yes (PostgreSQL, "Message Formats": SSLRequest). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = "S";
/** The code of an error that says: there is no secure connection, so nothing was sent. */
export const NO_TLS = "NO_TLS";

export interface SecureTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * A socket on which TLS is established. Never rejects, since postgres.js would lose a place of its pool with each failure: where
 * there is no such socket, it gives one that fails with the reason at the first use.
 */
export async function secureSocket(target: SecureTarget, tls: DatabaseTls, deadline_ms: number): Promise<Socket> {
  const plain = connectTcp({ ...target, noDelay: true });
  // Whatever comes after the deadline is nobody's.
  plain.on("error", () => undefined);
  try {
    return await withDeadline(negotiated(plain, target.host, tls), deadline_ms, "a TLS connection to the database");
  } catch (error) {
    plain.destroy();
    return failing(reasonOf(error));
  }
}

async function negotiated(plain: Socket, host: string, tls: DatabaseTls): Promise<Socket> {
  await first(plain, "connect");
  if (!tls.direct) {
    plain.write(SSL_REQUEST);
    const answer = await first(plain, "data");
    // More than the one byte would be words from somebody who stands between and is not encrypted (CVE-2021-23222).
    if (String(answer) !== YES) throw new Error("The server does not speak TLS");
  }
  const secure = connectTls({ socket: plain, ...optionsOf(host, tls) });
  secure.on("error", () => undefined);
  await first(secure, "secureConnect");
  if (tls.mode !== "require") verify(secure, host, tls);
  return secure;
}

function optionsOf(host: string, { mode, ca, direct }: DatabaseTls): ConnectionOptions {
  return {
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(direct && { ALPNProtocols: ["postgresql"] }),
    rejectUnauthorized: mode !== "require",
    checkServerIdentity: mode === "verify-full" ? namesHost(host) : () => undefined,
  };
}

/** Once more by ourselves: what a runtime leaves unchecked must not be what all rests on. */
function verify(secure: TLSSocket, host: string, { mode }: DatabaseTls): void {
  if (!secure.authorized)
    throw new Error(`The server's certificate is not trusted (${String(secure.authorizationError)})`);
  const stranger = mode === "verify-full" ? namesHost(host)(host, secure.getPeerCertificate()) : undefined;
  if (stranger !== undefined) throw stranger;
}

/** What the system says of a network keeps its own code; all else means that nothing was sent for the want of TLS. */
function reasonOf(error: unknown): Error {
  if (error instanceof Error && "syscall" in error) return error;
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(`no secure connection to the database: ${message}`, { cause: error }), {
    code: NO_TLS,
  });
}

/** What the event brings; rejects where the socket fails or ends before. */
function first(socket: Socket, event: "connect" | "data" | "secureConnect"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onEvent = (value: unknown): void => settle(() => resolve(value));
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => settle(() => reject(new Error("The server ended the connection before it was secure")));
    const settle = (then: () => void): void => {
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      then();
    };
    socket.once(event, onEvent).once("error", onError).once("close", onClose);
  });
}

function failing(error: Error): Socket {
  const socket = new Socket();
  return Object.assign(socket, {
    write: () => {
      socket.destroy(error);
      return false;
    },
  });
}
