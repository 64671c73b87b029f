/** The closed loop where wrk is not installed: `bun bench/load/closed-client.ts '<options as JSON>'`, with the result of wrk's script. */
import type { ClosedOptions, RawResult } from "./closed.ts";
import { Connection, type Reply } from "./connection.ts";
import { Samples } from "./latency.ts";
import { readRequests, wireOf } from "./requests.ts";

const MICROSECONDS_PER_MS = 1_000;

/** Each connection has its next request as soon as the last is answered, until the time is up. */
export async function runClient(options: ClosedOptions & { readonly key: string }): Promise<RawResult> {
  const { hostname, port, host } = new URL(options.url);
  const wires = readRequests(options.requests).map((request) => wireOf(request, host));
  const samples = new Samples();
  let [sent, status, read] = [0, 0, 0];
  const start = performance.now();
  const end = start + options.seconds * 1_000;

  const oneAfterTheOther = async (): Promise<void> => {
    const connection = await Connection.open({ hostname, port: Number(port) });
    while (connection.usable && performance.now() < end) {
      const wire = wires[sent % wires.length];
      if (wire === undefined) throw new Error("a load needs requests");
      sent += 1;
      const began = performance.now();
      const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
      connection.send(`${wire.head}${options.key}${sent}${wire.tail}`, resolve);
      const reply = await promise;
      if (reply === undefined) read += 1;
      else samples.add(performance.now() - began);
      if (reply !== undefined && reply.status >= 400) status += 1;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connections }, oneAfterTheOther));
  const duration_us = Math.round((performance.now() - start) * MICROSECONDS_PER_MS);
  return { requests: samples.count, duration_us, status, read, connect: 0, write: 0, timeout: 0, ...samples.latency() };
}

if (import.meta.main) {
  console.log(`RESULT ${JSON.stringify(await runClient(JSON.parse(process.argv[2] ?? "{}")))}`);
  process.exit(0);
}
