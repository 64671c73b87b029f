import { Socket } from "node:net";

/**
 * Sockets for a pool of postgres.js that end when the server has gone silent.
 *
 * A network that drops packets without a word leaves a connection open for a quarter of an hour (TCP goes on retransmitting,
 * and keep-alive is not asked while something is unanswered). postgres.js would wait on it for as long, and a pool of a few
 * such connections would answer nobody: it loses a connection only when its socket closes.
 */

/** Where a connection goes, as postgres.js tells it. */
export interface Target {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path?: string | undefined;
}

/** How much later than its bound a silence is noticed, at most. */
const LOOK_MS = 250;

/** For the option `socket`: connects to the hosts in turn. A server that leaves what was asked unanswered for so long is given up. */
export function watchedSockets(silence_ms: number): (target: Target) => Socket {
  let connections = 0;
  return ({ host, port, path }) => {
    const turn = connections++ % host.length;
    const name = host[turn] ?? "localhost";
    // The name is what postgres.js compares a certificate with.
    const socket = Object.assign(new Socket(), { host: name });
    watch(socket, silence_ms);
    return path ? socket.connect(path) : socket.connect(port[turn] ?? 5432, name);
  };
}

function watch(socket: Socket, silence_ms: number): void {
  let answered_bytes = 0;
  let asked_at: number | undefined;
  const onData = (): void => {
    answered_bytes = socket.bytesWritten;
    asked_at = undefined;
  };
  const look = (): void => {
    // TLS takes the connection over with all its listeners; without them an answer would not be seen.
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
