/** Many clients at once, each with one request after the other, who write down all they ask and all they are told. */
import type { Random, Servers } from "../../workload.ts";
import { type Done, type Failure, resolve, type Sender } from "./attempt.ts";
import { draw, open, type Request } from "./requests.ts";

export interface LoadOptions {
  readonly random: Random;
  readonly servers: Servers;
  /** Requests a second at most. */
  readonly pace: number;
}

/** Enough that a server which is killed takes many unanswered requests with it. */
const CLIENTS = 80;
const WALLETS = 60;
/** So that most payments are covered. */
const FIRST_FUNDS = "500";
/** Answered requests that may be sent again. */
const REMEMBERED = 200;
const AGAIN = 0.03;
const OTHER_REQUEST = 0.005;
/** The ledger's accounts are frozen and unfrozen by one client, beside the others. */
const LEDGER_PAUSE_MS = 60;
const LEDGER_PATIENCE_MS = 3_000;

export class Load {
  readonly done: Done[] = [];
  /** What clients saw that must never happen. */
  readonly wrong: string[] = [];
  /** Attempts that did not end in an answer, by what the client then knew. */
  readonly failures = new Map<Failure, number>();
  readonly #options: LoadOptions;
  readonly #sender: Sender;
  readonly #wallets: string[] = [];
  readonly #past: Done[] = [];
  readonly #watchers = new Set<(done: Done) => void>();
  #operations = 0;
  #unknown = 0;
  #next_at = 0;
  #pressed = false;
  #over = false;
  #clients: Promise<unknown> | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { random, servers } = options;
    const failed = (why: Failure) => this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
    this.#sender = { url: servers.wallet, random, wrong: (what) => this.wrong.push(what), failed };
  }

  /** Requests that have their answer, repetitions included. */
  get operations(): number {
    return this.#operations;
  }

  /** Of these, how many had an outcome that was unknown for a while. */
  get unknown(): number {
    return this.#unknown;
  }

  /** Attempts that were refused, or failed on their way; not those that the client gave up. */
  get disappointed(): number {
    const { nothing = 0, unknown = 0 } = Object.fromEntries(this.failures);
    return nothing + unknown;
  }

  /** Opens wallets with money in them, then lets the clients go. */
  async start(): Promise<void> {
    const opened = Array.from({ length: WALLETS }, async () => {
      const { answer } = await this.#carryOut(open(this.#options.random));
      const path = `/wallets/${answer.id}/fund`;
      await this.#carryOut({ kind: "fund", path, body: { amount: FIRST_FUNDS }, key: crypto.randomUUID() });
    });
    await Promise.all(opened);
    const clients = Array.from({ length: CLIENTS }, () => this.#whileItLasts(() => this.#act()));
    this.#clients = Promise.all([...clients, this.#whileItLasts(() => this.#freezeAccount())]);
    this.#clients.catch(() => undefined);
  }

  /** Resolves when so many have been answered. */
  async reach(operations: number, within_ms: number): Promise<void> {
    const deadline = performance.now() + within_ms;
    while (this.#operations < operations) {
      if (performance.now() > deadline) throw new Error(`Only ${this.#operations} of ${operations} operations in time`);
      await Promise.race([Bun.sleep(20), this.#clients]);
    }
  }

  /** The milliseconds until a request that was sent after this moment is answered with success. */
  async successAfter(moment: number): Promise<number> {
    const { promise, resolve: found } = Promise.withResolvers<number>();
    const watcher = ({ last_sent_at, answered_at, status }: Done) => {
      if (last_sent_at >= moment && status < 300) found(answered_at - moment);
    };
    this.#watchers.add(watcher);
    try {
      return await promise;
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  /** For a moment the clients keep no pace, so that each of them has a request under way. */
  async press(moment_ms: number): Promise<void> {
    this.#pressed = true;
    await Bun.sleep(moment_ms);
    this.#pressed = false;
  }

  /** No more requests; resolves when all that were sent have their answers. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#clients;
  }

  async #whileItLasts(act: () => Promise<unknown>): Promise<void> {
    while (!this.#over) await act();
  }

  async #act(): Promise<void> {
    await this.#turn();
    const { random } = this.#options;
    const past = this.#past[Math.floor(random() * this.#past.length)];
    const chance = random();
    if (past !== undefined && chance < AGAIN) return this.#repeat(past);
    if (past !== undefined && chance < AGAIN + OTHER_REQUEST) return this.#reuse(past.request.key);
    await this.#carryOut(draw(random, this.#wallets));
  }

  /** All clients together keep the pace; time that was lost is not made up for. */
  async #turn(): Promise<void> {
    if (this.#pressed) return;
    const now = performance.now();
    const at = Math.max(now, this.#next_at);
    this.#next_at = at + 1_000 / this.#options.pace;
    if (at > now) await Bun.sleep(at - now);
  }

  async #carryOut(request: Request): Promise<Done> {
    const done = await resolve(request, this.#sender);
    this.#count(done);
    this.#past[this.done.length % REMEMBERED] = done;
    this.done.push({ ...done, text: "" });
    if (request.kind === "create" && done.answer.id !== undefined && this.#wallets.length < WALLETS * 2)
      this.#wallets.push(done.answer.id);
    for (const watcher of this.#watchers) watcher(done);
    return done;
  }

  #count({ unknown }: Pick<Done, "unknown">): void {
    this.#operations += 1;
    if (unknown) this.#unknown += 1;
  }

  /** The same request under the same key: the same answer, byte for byte. */
  async #repeat({ request, status, text }: Done): Promise<void> {
    const again = await resolve(request, this.#sender);
    this.#count(again);
    if (again.status !== status || again.text !== text)
      this.wrong.push(`a repetition is answered otherwise: ${status} ${text}, then ${again.status} ${again.text}`);
  }

  /** Another request under the same key: refused. */
  async #reuse(key: string): Promise<void> {
    const [one = ""] = this.#wallets;
    const request: Request = { kind: "fund", path: `/wallets/${one}/fund`, body: { amount: "77777" }, key };
    const done = await resolve(request, this.#sender);
    this.#count(done);
    if (done.answer.code !== "idempotency_key_reused") this.wrong.push(`a key was used twice: ${done.text}`);
  }

  async #freezeAccount(): Promise<void> {
    await Bun.sleep(LEDGER_PAUSE_MS);
    const { random, servers } = this.#options;
    const wallet = this.#wallets[Math.floor(random() * this.#wallets.length)];
    const url = `${servers.history()}/ledger/accounts/${wallet}/${random() < 0.25 ? "freeze" : "unfreeze"}`;
    const signal = AbortSignal.timeout(LEDGER_PATIENCE_MS);
    const status = await fetch(url, { method: "POST", signal }).then(
      async (response) => (await response.arrayBuffer()) && response.status,
      () => undefined,
    );
    if (status === 200) this.#operations += 1;
    if (status === 500) this.wrong.push(`500 of ${url}`);
  }
}
