/**
 * What a gate knows of the two protocols: where a message ends, what a request says, and which reply is its own.
 * PostgreSQL: a byte of type, a length that counts itself. Kafka: a length, an API key and a correlation id.
 */

/** One connection's talk. Each function is called once for each message, in order. */
export interface Wire {
  /** Cuts bytes that the client sends into messages; what is not complete yet is kept. */
  asked(bytes: Buffer): Buffer[];
  answered(bytes: Buffer): Buffer[];
  /** What the client asks for, as a text to search in; undefined for a message that asks for nothing. */
  request(message: Buffer): Request | undefined;
  /** The message as the client may see it, and the number of the request that is answered completely by it, if any. */
  reply(message: Buffer): { readonly message: Buffer; readonly completes: number | undefined };
}

export interface Request {
  readonly text: string;
  readonly number: number;
}

export function postgresWire(): Wire {
  const statements = new Map<string, string>();
  let syncs = 0;
  // The first word of a server that is ready answers the start-up, not a request.
  let ready = -1;
  return {
    asked: messages({ untypedFirst: true, head: 1, countsItself: true }),
    answered: messages({ untypedFirst: false, head: 1, countsItself: true }),
    request(message) {
      const type = String.fromCharCode(message[0] ?? 0);
      if (type === "S" || type === "Q") syncs += 1;
      if (type === "P") {
        const [name = "", text = ""] = message.toString("latin1", 5).split("\0");
        statements.set(name, text);
      }
      if (type !== "B") return undefined;
      const [, statement = "", ...parameters] = message.toString("latin1", 5).split("\0");
      return { text: `${statements.get(statement)} ${parameters.join(" ")}`, number: syncs };
    },
    reply(message) {
      if (message[0] !== "Z".charCodeAt(0)) return { message, completes: undefined };
      ready += 1;
      return { message, completes: ready === 0 ? undefined : ready - 1 };
    },
  };
}

const KAFKA_NAMES = new Map([
  [0, "Produce"],
  [8, "OffsetCommit"],
]);

/** A broker tells its clients its own address, so the port in it becomes the gate's. */
export function kafkaWire(brokerPort: number, gatePort: number): Wire {
  const address = (port: number): Buffer => {
    const bytes = Buffer.from("\0\x09127.0.0.1\0\0\0\0", "latin1");
    bytes.writeUInt32BE(port, bytes.length - 4);
    return bytes;
  };
  const [theirs, ours] = [address(brokerPort), address(gatePort)];
  return {
    asked: messages({ untypedFirst: false, head: 0, countsItself: false }),
    answered: messages({ untypedFirst: false, head: 0, countsItself: false }),
    request(message) {
      const name = KAFKA_NAMES.get(message.readInt16BE(4));
      if (name === undefined) return undefined;
      return { text: `${name} ${message.toString("latin1", 12)}`, number: message.readInt32BE(8) };
    },
    reply(message) {
      for (let at = message.indexOf(theirs); at !== -1; at = message.indexOf(theirs, at + 1)) ours.copy(message, at);
      return { message, completes: message.readInt32BE(4) };
    },
  };
}

interface Framing {
  /** PostgreSQL's start-up message has no type. */
  readonly untypedFirst: boolean;
  /** Bytes before the length. */
  readonly head: number;
  readonly countsItself: boolean;
}

function messages({ untypedFirst, head, countsItself }: Framing): (bytes: Buffer) => Buffer[] {
  let rest = Buffer.alloc(0);
  let untyped = untypedFirst;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const whole: Buffer[] = [];
    for (;;) {
      const before = untyped ? 0 : head;
      if (rest.length < before + 4) return whole;
      const size = before + rest.readUInt32BE(before) + (countsItself ? 0 : 4);
      if (rest.length < size) return whole;
      untyped = false;
      whole.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
}
