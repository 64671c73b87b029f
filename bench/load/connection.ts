import type { Socket } from "bun";

/**
 * A keep-alive connection that speaks just enough HTTP/1.1 for a load: one request at a time, answers that say their
 * length. A request costs it about a quarter of what `fetch` costs, which the system under test needs itself.
 */

export interface Reply {
  readonly status: number;
  /** The lines before the body. */
  readonly head: string;
}

export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Told of each answer; undefined where the connection was lost before it. */
export type Answered = (reply: Reply | undefined) => void;

const END_OF_HEAD = "\r\n\r\n";
/** `HTTP/1.1 200`: where the status begins and ends. */
const [STATUS_FROM, STATUS_TO] = [9, 12];

export class Connection {
  #socket: Socket | undefined;
  #received = "";
  #unsent: Uint8Array | undefined;
  #answered: Answered | undefined;

  private constructor() {}

  /** @throws Error where nobody listens */
  static async open({ hostname, port }: Address): Promise<Connection> {
    const connection = new Connection();
    connection.#socket = await Bun.connect({
      hostname,
      port,
      socket: {
        data: (_, bytes) => connection.#read(bytes),
        drain: () => connection.#flush(),
        close: () => connection.#lose(),
        error: () => connection.#lose(),
      },
    });
    return connection;
  }

  get usable(): boolean {
    return this.#socket !== undefined;
  }

  /** Sends the request; the one before must have been answered. */
  send(request: string, answered: Answered): void {
    this.#answered = answered;
    this.#unsent = Buffer.from(request);
    this.#flush();
  }

  close(): void {
    this.#answered = undefined;
    this.#socket?.end();
    this.#socket = undefined;
  }

  #flush(): void {
    if (this.#unsent === undefined) return;
    const written = this.#socket?.write(this.#unsent) ?? -1;
    if (written < 0) this.#lose();
    else this.#unsent = written < this.#unsent.length ? this.#unsent.subarray(written) : undefined;
  }

  #read(bytes: Buffer): void {
    this.#received += bytes.toString("latin1");
    const head_end = this.#received.indexOf(END_OF_HEAD);
    if (head_end < 0) return;
    const head = this.#received.slice(0, head_end);
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < head_end + END_OF_HEAD.length + length) return;
    this.#received = "";
    this.#answer({ status: Number(head.slice(STATUS_FROM, STATUS_TO)), head });
  }

  #lose(): void {
    this.#socket = undefined;
    this.#answer(undefined);
  }

  #answer(reply: Reply | undefined): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(reply);
  }
}
