/** The place of one server: whatever happens to its process, the next one has the same address. */
import { freePort } from "../../../dev/ports.ts";
import { type RunningService, spawnService } from "../../cluster.ts";

export type Service = "wallet" | "history";

export interface SlotOptions {
  readonly service: Service;
  readonly env: Readonly<Record<string, string>>;
  /** Of the run, where the process is noted. */
  readonly folder: string;
  /** Told when the process ends and nobody has ended it. */
  readonly onDeath: (what: string) => void;
}

export class Slot {
  static async open(options: SlotOptions): Promise<Slot> {
    const slot = new Slot(options, await freePort());
    await slot.start();
    return slot;
  }

  #running: RunningService | undefined;
  /** Of processes that have ended. */
  #earlier = "";
  #meant = false;

  private constructor(
    readonly options: SlotOptions,
    readonly port: number,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when the process answers; the database and the broker may come later. */
  async start(): Promise<void> {
    const { service, env, folder, onDeath } = this.options;
    const running = await spawnService(service, { ...env, PORT: String(this.port) }, folder);
    this.#earlier = this.output();
    this.#running = running;
    this.#meant = false;
    void running.stopped.then((code) => {
      if (this.#running === running && !this.#meant)
        onDeath(`the ${service} service ended by itself with code ${code}: ${running.output().slice(-2_000)}`);
    });
  }

  /** Sends the signal and waits for the end; gives the exit code. */
  kill(signal: NodeJS.Signals): Promise<number> {
    this.#meant = true;
    return this.#process().kill(signal);
  }

  /** As it is for a process on a machine that sleeps. */
  pause(): void {
    process.kill(this.#process().pid, "SIGSTOP");
  }

  wake(): void {
    process.kill(this.#process().pid, "SIGCONT");
  }

  signal(signal: NodeJS.Signals): void {
    this.#meant = true;
    process.kill(this.#process().pid, signal);
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number> {
    return this.#process().stopped;
  }

  /** What its processes have logged, one after the other. */
  output(): string {
    return `${this.#earlier}${this.#running?.output() ?? ""}`;
  }

  /** Whether this process publishes its service's outbox. */
  async leads(): Promise<boolean> {
    const response = await fetch(`${this.url}/metrics`);
    return /^relay_leader(\{.*\})? 1$/m.test(await response.text());
  }

  #process(): RunningService {
    if (this.#running === undefined) throw new Error("the server has not been started");
    return this.#running;
  }
}
