import { Socket } from "node:net";
import type { DatabaseTls } from "./database-address.ts";
import { secureSocket } from "./secure-socket.ts";

/**
 * Sockets for a pool of postgres.js that end when the server has gone silent, in the clear or under TLS.
 *
 * A network that drops packets without a word leaves a connection open for a quarter of an hour (TCP goes on retransmitting,
 * and keep-alive is not asked while something is unanswered). postgres.js would wait on it for as long, and a pool of a few
 * such connections would answer nobody: it loses a connection only when its socket closes.
 */
export interface Watch {
  /** A server that leaves what was asked unanswered for so long is given up; undefined: a statement may take any time. */
  readonly silence_ms: number | undefined;
  /** How to be sure of the server; null: in the clear. */
  readonly tls: DatabaseTls | null;
  /** How long establishing TLS may take; in the clear it is for postgres.js to give up. */
  readonly connect_ms: number;
}

/** Where a connection goes, as postgres.js tells it. */
interface Target {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path?: string | undefined;
}

/** How much later than its bound a silence is noticed, at most. */
const LOOK_MS = 250;
const DEFAULT_PORT = 5432;

/** For the option `socket`: connects to the hosts in turn. A Unix socket stays on its machine and is never encrypted. */
export function watchedSockets({ silence_ms, tls, connect_ms }: Watch): (target: Target) => Socket | Promise<Socket> {
  let connections = 0;
  const watched = (socket: Socket, host: string): Socket => {
    if (silence_ms !== undefined) watch(socket, silence_ms);
    // The name is what errors of postgres.js tell.
    return Object.assign(socket, { host });
  };
  return ({ host, port, path }) => {
    const turn = connections++ % host.length;
    const name = host[turn] ?? "localhost";
    const number = port[turn] ?? DEFAULT_PORT;
    if (path) return watched(new Socket(), name).connect(path);
    if (tls === null) return watched(new Socket(), name).connect(number, name);
    return secureSocket({ host: name, port: number }, tls, connect_ms).then((socket) => watched(socket, name));
  };
}

function watch(socket: Socket, silence_ms: number): void {
  let answered_bytes = socket.bytesWritten;
  let asked_at: number | undefined;
  const onData = (): void => {
    answered_bytes = socket.bytesWritten;
    asked_at = undefined;
  };
  const look = (): void => {
    // Whoever takes all listeners away has taken over the connection; without them an answer would not be seen.
    if (socket.destroyed || !socket.listeners("data").includes(onData)) {
      clearInterval(timer);
    } else if (socket.bytesWritten > answered_bytes) {
      asked_at ??= performance.now();
      if (performance.now() - asked_at >= silence_ms) socket.destroy();
    }
  };
  socket.on("data", onData);
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
}
