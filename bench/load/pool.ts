import { type Address, type Answered, Connection } from "./connection.ts";

/** Connections of a load: an idle one is used again, a new one is opened while there are fewer than allowed. */
export class ConnectionPool {
  readonly #idle: Connection[] = [];
  #open = 0;
  /** Connections that could not be had, or were lost. */
  lost = 0;

  constructor(
    readonly address: Address,
    readonly most: number,
    /** Called when a connection is free again. */
    readonly onFree: () => void,
  ) {}

  /** Sends the request if a connection can be had now; says whether. */
  send(request: string, answered: Answered): boolean {
    const idle = this.#take();
    if (idle !== undefined) this.#use(idle, request, answered);
    else if (this.#open < this.most) void this.#openAndSend(request, answered);
    else return false;
    return true;
  }

  close(): void {
    for (const connection of this.#idle) connection.close();
  }

  #take(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.usable) return connection;
      // The server closes what has been idle for long.
      this.#open -= 1;
    }
  }

  async #openAndSend(request: string, answered: Answered): Promise<void> {
    this.#open += 1;
    try {
      this.#use(await Connection.open(this.address), request, answered);
    } catch {
      this.#open -= 1;
      this.lost += 1;
      answered(undefined);
      this.onFree();
    }
  }

  #use(connection: Connection, request: string, answered: Answered): void {
    connection.send(request, (reply) => {
      if (reply === undefined) {
        this.#open -= 1;
        this.lost += 1;
      } else this.#idle.push(connection);
      answered(reply);
      this.onFree();
    });
  }
}
