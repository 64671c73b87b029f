import { SetupError } from "./setup-error.ts";

/** A part of the running system: a database, a broker or a server. */
export interface Part {
  exited: Promise<number>;
  stop(): Promise<void>;
}

/** A part that ends again and again does so for a reason that another start does not mend. */
const MAX_RESTARTS = 5;
/** One that has lived for so long was well, and what ended it is another matter. */
const WELL_AFTER_MS = 10_000;
const RESTART_PAUSE_MS = 500;

/** Keeps the parts of a system running, and stops them in the reverse of the order in which they were started. */
export class Parts {
  private readonly running: { name: string; part: Part }[] = [];
  private readonly starting = new Set<Promise<unknown>>();
  private stopped: Promise<void> | null = null;

  /** `failed` is told when a part cannot be kept running. */
  constructor(
    private readonly say: (line: string) => void,
    private readonly failed: (error: SetupError) => void,
  ) {}

  /** Starts a part, and starts it again whenever it ends by itself. */
  async add<T extends Part>(name: string, start: () => Promise<T>): Promise<T> {
    const part = await this.track(start);
    const entry = { name, part };
    this.running.push(entry);
    void this.watch(entry, start);
    return part;
  }

  /** Stops everything, parts that are just starting included. Repeatable. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async stopAll(): Promise<void> {
    await Promise.allSettled(this.starting);
    for (const { part } of this.running.toReversed()) await part.stop();
  }

  private async track<T>(start: () => Promise<T>): Promise<T> {
    if (this.stopped !== null) throw new SetupError("It is being stopped");
    const started = start();
    this.starting.add(started);
    return started.finally(() => this.starting.delete(started));
  }

  private async watch<T extends Part>(entry: { name: string; part: Part }, start: () => Promise<T>): Promise<void> {
    for (let restarts = 0; restarts < MAX_RESTARTS; restarts++) {
      const started = performance.now();
      const code = await entry.part.exited;
      if (performance.now() - started > WELL_AFTER_MS) restarts = 0;
      if (this.stopped !== null) return;
      this.say(`${entry.name} ended (code ${code}), starting it again`);
      await Bun.sleep(RESTART_PAUSE_MS);
      try {
        entry.part = await this.track(start);
      } catch (error) {
        if (this.stopped === null) this.failed(error instanceof SetupError ? error : new SetupError(String(error)));
        return;
      }
    }
    this.failed(
      new SetupError(`${entry.name} ended ${MAX_RESTARTS} times: \`tail -n 40 .data/*.log .data/*/*.log\` shows why`),
    );
  }
}
