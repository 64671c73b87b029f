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

/** What the ledger says of the story's sagas, and of all money. */
export interface Ledger {
  readonly entries: readonly Row[];
  /** The trial balance: a row for each currency. */
  readonly balances: readonly Row[];
  readonly faults: readonly string[];
}

/** An event is there within a second; this is for a history that has just started. */
const HISTORY_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
/** What a history says of something whose events are on their way. */
const BEHIND: ReadonlySet<string> = new Set(["history_behind", "account_not_found"]);

export interface Addresses {
  readonly wallet: string;
  readonly history: string;
  /** Goes with every request, and is not shown. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class Player implements Scene {
  readonly #run = crypto.randomUUID().slice(0, 8);
  readonly #ids = new Map<Name, string>();
  readonly #versions = new Map<Name, number>();
  #balances: Balances = new Map();
  #last: Answer | undefined;
  readonly #sagas: Row[] = [];
  /** What is left of the time for which the history may be behind, over the whole story. */
  #patience_ms = HISTORY_TIMEOUT_MS;

  constructor(readonly addresses: Addresses) {}

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

  #send(service: "wallet" | "history", call: Call): Promise<Answer> {
    const { [service]: address, headers = {} } = this.addresses;
    return send(address, { ...call, headers: { ...call.headers, ...headers } });
  }

  async play(step: Step): Promise<Played> {
    const call = step.call(this);
    const answer = await (step.asks === "history" ? this.#askHistory(call) : this.#send("wallet", call));
    if (textOf(answer.body, "type") === "SAGA") this.#sagas.push(answer.body);
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
        const { body: wallet } = await this.#send("wallet", { method: "GET", path: this.path(name) });
        const { status, body } = await this.#history(name, textOf(wallet, "version"));
        const events = itemsOf(body);
        const faults = status === 200 ? faultsOfHistory(wallet, events) : [`its history was answered ${status}`];
        return { name, wallet, events, faults: faults.map((fault) => `${name}: ${fault}`) };
      }),
    );
  }

  /** The entries of the sagas, and the trial balance. To be asked once all histories are up to date. */
  async ledger(): Promise<Ledger> {
    const ask = (path: string) => this.#send("history", { method: "GET", path });
    const trial = await ask("/ledger/trial-balance");
    const entries: Row[] = [];
    const faults = faultsOfTrialBalance(itemsOf(trial.body));
    for (const saga of this.#sagas) {
      const { status, body } = await ask(`/ledger/transactions/${textOf(saga, "id")}`);
      entries.push(...itemsOf(body, "entries"));
      faults.push(...faultsOfEntries(saga, status, itemsOf(body, "entries")));
    }
    return { entries, balances: itemsOf(trial.body), faults };
  }

  async #look(): Promise<Balances> {
    const balances = new Map<Name, string>();
    for (const [name] of this.#ids) {
      const { body } = await this.#send("wallet", { method: "GET", path: this.path(name) });
      balances.set(name, textOf(body, "balance"));
      this.#versions.set(name, Number(textOf(body, "version")));
    }
    return balances;
  }

  #history(name: Name, version: string): Promise<Answer> {
    const path = `${this.path(name)}/history?order=asc&limit=200&min_version=${version}`;
    return this.#askHistory({ method: "GET", path });
  }

  /** The answer, once the history has come to know what is asked about. */
  async #askHistory(call: Call): Promise<Answer> {
    for (;;) {
      const asked = performance.now();
      const answer = await this.#send("history", call);
      if (!BEHIND.has(textOf(answer.body, "code")) || this.#patience_ms <= 0) return answer;
      await Bun.sleep(POLL_MS);
      this.#patience_ms -= performance.now() - asked;
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
  if (told.saga !== undefined) faults.push(...faultsOfSaga(told.saga, answer.body));
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

function faultsOfSaga(told: NonNullable<Step["told"]["saga"]>, saga: Row): string[] {
  const [state, expected] = [textOf(saga, "status"), told.status];
  const [reason, cause] = [textOf(saga, "failure_code"), told.failure_code ?? ""];
  return [
    ...(state === expected ? [] : [`the saga is ${state}, not ${expected}`]),
    ...(reason === cause ? [] : [`its failure_code is ${reason || "missing"}, not ${cause || "absent"}`]),
  ];
}

/** A saga that succeeded is one debit and one credit of its amount; one that was refused has left nothing. */
function faultsOfEntries(saga: Row, status: number, entries: readonly Row[]): string[] {
  const amount = textOf(saga, "amount");
  const posted = [
    `DEBIT ${textOf(saga, "sender_wallet_id")} ${amount}`,
    `CREDIT ${textOf(saga, "receiver_wallet_id")} ${amount}`,
  ];
  const told = textOf(saga, "status") === "SUCCESS" ? `200 ${posted.join(", ")}` : "404 ";
  const sides = entries.map((entry) => ["direction", "account_id", "amount"].map((member) => textOf(entry, member)));
  const seen = `${status} ${sides.map((side) => side.join(" ")).join(", ")}`;
  return seen === told ? [] : [`the ledger's entries of saga ${textOf(saga, "id")} are ${seen}, not ${told}`];
}

function faultsOfTrialBalance(rows: readonly Row[]): string[] {
  if (rows.length === 0) return ["the trial balance is empty"];
  return rows
    .filter((row) => textOf(row, "difference") !== "0.0000")
    .map((row) => `debits and credits differ by ${textOf(row, "difference")} ${textOf(row, "currency")}`);
}
