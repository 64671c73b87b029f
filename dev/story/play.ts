/** Plays the story over HTTP and compares what comes of it with what was told. */
import { formatAmount, money, ZERO } from "../../shared/money.ts";
import { type Answer, type Call, itemsOf, send, textOf } from "./call.ts";
import { CAST, type Name, type Scene, type Step } from "./steps.ts";

type Row = Readonly<Record<string, unknown>>;
export type Balances = ReadonlyMap<Name, string>;

/** A step as it went. */
export interface Played {
  readonly call: Call;
  readonly answer: Answer;
  readonly before: Balances;
  readonly after: Balances;
  /** What is not as told, in words. */
  readonly faults: readonly string[];
}

/** A person's wallet and its history at the end. */
export interface Account {
  readonly name: Name;
  readonly wallet: Row;
  readonly events: readonly Row[];
  readonly faults: readonly string[];
}

/** An event is there within a second; this is for a history that has just started. */
const HISTORY_TIMEOUT_MS = 10_000;

export class Player implements Scene {
  readonly #run = crypto.randomUUID().slice(0, 8);
  readonly #ids = new Map<Name, string>();
  readonly #versions = new Map<Name, number>();
  #balances: Balances = new Map();
  #last: Answer | undefined;

  constructor(readonly addresses: { readonly wallet: string; readonly history: string }) {}

  id(name: Name): string {
    return this.#ids.get(name) ?? "unknown";
  }

  path(name: Name): string {
    return `/wallets/${this.id(name)}`;
  }

  version(name: Name): number {
    return this.#versions.get(name) ?? 0;
  }

  key(word: string): string {
    return `${word}-${this.#run}`;
  }

  async play(step: Step): Promise<Played> {
    const call = step.call(this);
    const answer = await send(this.addresses.wallet, call);
    if (step.opens !== undefined && answer.status === 201) this.#ids.set(step.opens, textOf(answer.body, "id"));
    const before = this.#balances;
    this.#balances = await this.#look();
    const faults = [...faultsOfAnswer(step, answer, this.#last), ...faultsOfMoves(step, before, this.#balances)];
    this.#last = answer;
    return { call, answer, before, after: this.#balances, faults };
  }

  /** Everybody's wallet, and the history once it has come up to it. */
  accounts(): Promise<Account[]> {
    return Promise.all(
      CAST.filter((name) => this.#ids.has(name)).map(async (name) => {
        const { body: wallet } = await send(this.addresses.wallet, { method: "GET", path: this.path(name) });
        const { status, body } = await this.#history(name, textOf(wallet, "version"));
        const events = itemsOf(body);
        const faults = status === 200 ? faultsOfHistory(wallet, events) : [`its history was answered ${status}`];
        return { name, wallet, events, faults: faults.map((fault) => `${name}: ${fault}`) };
      }),
    );
  }

  async #look(): Promise<Balances> {
    const balances = new Map<Name, string>();
    for (const [name] of this.#ids) {
      const { body } = await send(this.addresses.wallet, { method: "GET", path: this.path(name) });
      balances.set(name, textOf(body, "balance"));
      this.#versions.set(name, Number(textOf(body, "version")));
    }
    return balances;
  }

  async #history(name: Name, version: string): Promise<Answer> {
    const path = `${this.path(name)}/history?order=asc&limit=200&min_version=${version}`;
    const deadline = performance.now() + HISTORY_TIMEOUT_MS;
    for (;;) {
      const answer = await send(this.addresses.history, { method: "GET", path });
      // The server itself has waited two seconds by then.
      if (textOf(answer.body, "code") !== "history_behind" || performance.now() > deadline) return answer;
    }
  }
}

function faultsOfAnswer({ told }: Step, answer: Answer, last: Answer | undefined): string[] {
  const faults: string[] = [];
  if (answer.status !== told.status) faults.push(`the status is ${answer.status}, not ${told.status}`);
  const code = textOf(answer.body, "code");
  if (code !== (told.code ?? "")) faults.push(`the code is ${code || "missing"}, not ${told.code ?? "absent"}`);
  const replayed = answer.headers.get("idempotency-replayed") === "true";
  if (replayed !== (told.replayed ?? false)) faults.push(`the answer is ${replayed ? "" : "not "}a replay`);
  if (told.replayed && answer.text !== last?.text) faults.push("the replay differs from the first answer");
  return faults;
}

function faultsOfMoves({ told }: Step, before: Balances, after: Balances): string[] {
  const faults: string[] = [];
  for (const [name, balance] of after) {
    const expected = formatAmount(money(before.get(name) ?? "0").plus(told.moves[name] ?? ZERO));
    if (balance !== expected) faults.push(`${name} has ${balance}, not ${expected}`);
  }
  return faults;
}

function faultsOfHistory(wallet: Row, events: readonly Row[]): string[] {
  const version = Number(textOf(wallet, "version"));
  const faults = events.length === version ? [] : [`the history has ${events.length} events, not ${version}`];
  events.forEach((event, index) => {
    if (event.wallet_version !== index + 1) faults.push(`version ${index + 1} is missing from the history`);
  });
  const [balance, told] = [textOf(wallet, "balance"), textOf(events.at(-1) ?? {}, "balance_after")];
  if (balance !== told) faults.push(`the balance is ${balance}, the history says ${told}`);
  return faults;
}
