/** A TCP proxy that stands between a test and a server, to disturb what passes between them. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

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
   * Lets the next statement through to PostgreSQL and swallows its reply, until the server says that it is ready for the
   * next one: by then it has committed. Then cuts that connection. Resolves when that has happened.
   */
  swallowNextReply(): Promise<void>;
  close(): void;
}

/** A connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  dark: boolean;
  /** Told when the reply has been swallowed; only while it is being swallowed. */
  swallowed?: () => void;
}

const EXECUTE = "E";
const SIMPLE_QUERY = "Q";
const READY_FOR_QUERY = "Z";

/** Starts a proxy on a free port in front of a server on this machine. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let delay_ms = 0;
  let armed: (() => void) | undefined;

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

    // A client's first message has no type; PostgreSQL's protocol calls it the start-up message.
    const asked = createMessages({ untypedFirst: true });
    client.on("data", (bytes: Buffer) => {
      if (pair.dark) return;
      const types = asked(bytes);
      if (armed && (types.includes(EXECUTE) || types.includes(SIMPLE_QUERY))) {
        pair.swallowed = armed;
        armed = undefined;
      }
      server.write(bytes);
    });
    const answered = createMessages({ untypedFirst: false });
    server.on("data", (bytes: Buffer) => {
      if (pair.dark) return;
      const types = answered(bytes);
      if (pair.swallowed) {
        if (!types.includes(READY_FOR_QUERY)) return;
        server.destroy();
        pair.swallowed();
      } else if (delay_ms === 0) client.write(bytes);
      else setTimeout(() => !client.destroyed && client.write(bytes), delay_ms);
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
    swallowNextReply() {
      const { promise, resolve } = Promise.withResolvers<void>();
      armed = resolve;
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

/** Finds the messages of PostgreSQL's protocol in a stream: a byte of type, then a length that counts itself. */
function createMessages({ untypedFirst }: { readonly untypedFirst: boolean }): (bytes: Uint8Array) => string[] {
  let rest = Buffer.alloc(0);
  let untyped = untypedFirst;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const types: string[] = [];
    for (;;) {
      const head = untyped ? 0 : 1;
      if (rest.length < head + 4) return types;
      const size = head + rest.readUInt32BE(head);
      if (rest.length < size) return types;
      if (!untyped) types.push(String.fromCharCode(rest[0] ?? 0));
      untyped = false;
      rest = rest.subarray(size);
    }
  };
}
