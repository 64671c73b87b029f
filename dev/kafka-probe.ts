import { connect } from "node:net";

/** Metadata request, version 0, of no client, for all topics (the Kafka protocol's api key 3). */
const METADATA_REQUEST = Buffer.from(
  [
    "0000000e", // size of what follows
    "00030000", // api key, version
    "00000001", // correlation id
    "ffff", // client id: null
    "00000000", // topics: none named, which means all
  ].join(""),
  "hex",
);
/** Where the answer counts the brokers: after its size and the correlation id. */
const BROKER_COUNT_AT = 8;
const ANSWER_TIMEOUT_MS = 2_000;

/**
 * Whether the broker on this port of 127.0.0.1 answers a metadata request with at least one broker, which it does once
 * it is registered and serves clients. By hand, since a client library would log and retry the failures that are
 * expected while a broker starts.
 */
export function answersMetadata(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = Buffer.alloc(0);
    const finish = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => finish(false));
    socket.on("error", () => finish(false));
    socket.on("close", () => finish(false));
    socket.on("connect", () => socket.write(METADATA_REQUEST));
    socket.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= BROKER_COUNT_AT + 4) finish(answer.readInt32BE(BROKER_COUNT_AT) > 0);
    });
  });
}
