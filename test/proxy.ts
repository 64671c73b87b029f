/** A TCP proxy that stands between a test and a server, to disturb what passes between them. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { kafkaWire, postgresWire, type Wire } from "./faults/crashes/wires.ts";

export interface TcpProxy {
  readonly port: number;
  /** The same database, reached through the proxy. */
  databaseUrl(url: string): string;
  /** Holds all that passes back for so long, in milliseconds; 0 ends that. */
  delay(ms: number): void;
  /** Ends every connection, on both sides; new ones are accepted. */
  cut(): void;
  /** Ends every connection on the client's side, and the server is not told. */
  abandon(): void;
  /** From now on what is sent on the present connections vanishes, and nobody is told; new ones are in order. */
  blackHole(): void;
  /** Ends every connection and refuses new ones, until `admit`. */
  refuse(): void;
  admit(): Promise<void>;
  /**
   * Lets the next request that is like this through, whatever it says if nothing is told, and swallows the end of its reply:
   * PostgreSQL has committed by then, a broker has appended, and rows of the answer have arrived. Then cuts that connection.
   * Resolves when that has happened.
   */
  swallowNextReply(of?: RegExp): Promise<void>;
  close(): void;
}

/** A connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  dark: boolean;
  /** The request whose reply is to be swallowed, and who is told of it. */
  awaited?: { readonly number: number; readonly swallowed: () => void };
}

const ANY = /^/;

/** Starts a proxy on a free port in front of a PostgreSQL on this machine. */
export function startProxy(targetPort: number): Promise<TcpProxy> {
  return start(targetPort, postgresWire);
}

/** Starts one in front of a broker on this machine; clients that come by it stay with it. */
export function startBrokerProxy(targetPort: number): Promise<TcpProxy> {
  return start(targetPort, (port) => kafkaWire(targetPort, port));
}

async function start(targetPort: number, wireOf: (port: number) => Wire): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let delay_ms = 0;
  let armed: { readonly of: RegExp; readonly swallowed: () => void } | undefined;

  const accept = (client: Socket): void => {
    const server = connect(targetPort, "127.0.0.1");
    const pair: Pair = { client, server, dark: false };
    pairs.add(pair);
    for (const socket of [client, server]) socket.on("error", () => socket.destroy()).setNoDelay(true);
    client.on("close", () => {
      if (!pair.dark) server.destroy();
    });
    server.on("close", () => {
      pairs.delete(pair);
      if (!pair.dark) client.destroy();
    });

    const wire = wireOf(port);
    client.on("data", (bytes: Buffer) => {
      if (pair.dark) return;
      for (const message of wire.asked(bytes)) {
        const request = wire.request(message);
        if (request === undefined || !armed?.of.test(request.text)) continue;
        pair.awaited = { number: request.number, swallowed: armed.swallowed };
        armed = undefined;
      }
      server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => {
      if (pair.dark) return;
      const passing: Buffer[] = [];
      for (const answered of wire.answered(bytes)) {
        const { message, completes } = wire.reply(answered);
        if (pair.awaited !== undefined && completes === pair.awaited.number) {
          client.end(Buffer.concat(passing));
          server.destroy();
          pair.awaited.swallowed();
          return;
        }
        passing.push(message);
      }
      if (delay_ms === 0) client.write(Buffer.concat(passing));
      else setTimeout(() => !client.destroyed && client.write(Buffer.concat(passing)), delay_ms);
    });
  };

  const each = (disturb: (pair: Pair) => void): void => {
    for (const pair of [...pairs]) disturb(pair);
  };
  const cut = (): void =>
    each(({ client, server }) => {
      client.destroy();
      server.destroy();
    });
  const darken = (pair: Pair): void => {
    pair.dark = true;
  };
  const close = (): void => {
    listener.close();
    cut();
  };
  let listener = await listen(accept, 0);
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    databaseUrl(url) {
      const through = new URL(url);
      through.host = `127.0.0.1:${port}`;
      return through.href;
    },
    delay(ms) {
      delay_ms = ms;
    },
    cut,
    abandon: () =>
      each((pair) => {
        darken(pair);
        pair.client.destroy();
      }),
    blackHole: () => each(darken),
    refuse: close,
    async admit() {
      listener = await listen(accept, port);
    },
    swallowNextReply(of = ANY) {
      const { promise, resolve } = Promise.withResolvers<void>();
      armed = { of, swallowed: resolve };
      return promise;
    },
    close,
  };
}

function listen(accept: (client: Socket) => void, port: number): Promise<Server> {
  const listener = createServer(accept);
  return new Promise((resolve, reject) => {
    listener.once("error", reject).listen(port, "127.0.0.1", () => resolve(listener));
  });
}
