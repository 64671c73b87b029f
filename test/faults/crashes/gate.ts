/** A proxy that stops a server at an exact step: it holds one request, or the reply to it, until the server is killed. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { kafkaWire, postgresWire, type Wire } from "./wires.ts";

export interface Step {
  /** `request`: it never gets there if the server is killed. `reply`: all is done, and the server does not know it. */
  readonly hold: "request" | "reply";
  /** Found in the statement and its parameters, or in the name and bytes of the request to the broker. */
  readonly of: RegExp;
}

export interface Gate {
  readonly port: number;
  /** Holds the next such step, once. */
  hold(step: Step): Held;
  close(): void;
}

export interface Held {
  /** Resolves when the server stands at the step. */
  readonly reached: Promise<void>;
  /** Lets it go on after all. */
  release(): void;
}

interface Armed extends Step {
  reach(): void;
  release: () => void;
}

/** A gate in front of PostgreSQL. */
export function databaseGate(port: number): Promise<Gate> {
  return startGate(port, () => postgresWire());
}

/** A gate in front of the broker; clients that come by it stay with it. */
export function brokerGate(port: number): Promise<Gate> {
  return startGate(port, (gatePort) => kafkaWire(port, gatePort));
}

async function startGate(target: number, wireOf: (gatePort: number) => Wire): Promise<Gate> {
  const sockets = new Set<Socket>();
  let armed: Armed | undefined;
  const listener = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).setNoDelay(true);
    }
    // What is held when the client goes is dropped.
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
    const wire = wireOf(port);
    const there = createValve(server);
    const back = createValve(client);
    let awaited: { readonly number: number; readonly step: Armed } | undefined;

    client.on("data", (bytes: Buffer) => {
      for (const message of wire.asked(bytes)) {
        const request = wire.request(message);
        if (request !== undefined && armed?.of.test(request.text)) {
          const step = armed;
          armed = undefined;
          if (step.hold === "request") {
            there.shut();
            step.release = there.open;
            step.reach();
          } else awaited = { number: request.number, step };
        }
        there.write(message);
      }
    });
    server.on("data", (bytes: Buffer) => {
      for (const each of wire.answered(bytes)) {
        const { message, completes } = wire.reply(each);
        // Its first messages may pass: a client takes an answer for one when it is complete.
        if (awaited !== undefined && completes === awaited.number) {
          back.shut();
          awaited.step.release = back.open;
          awaited.step.reach();
          awaited = undefined;
        }
        back.write(message);
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    hold(step) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const mine: Armed = { ...step, reach: resolve, release: () => undefined };
      armed = mine;
      return { reached: promise, release: () => mine.release() };
    },
    close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Writes to the socket, or keeps what it is given while it is shut. */
function createValve(socket: Socket) {
  let kept: Buffer[] | undefined;
  return {
    write(message: Buffer): void {
      if (kept === undefined) socket.write(message);
      else kept.push(message);
    },
    shut(): void {
      kept ??= [];
    },
    open(): void {
      for (const message of kept ?? []) socket.write(message);
      kept = undefined;
    },
  };
}
