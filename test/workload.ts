/** Random clients of both servers, who come again with the same key until they know what became of their request. */
import { expect } from "bun:test";
import postgres from "postgres";
import { check, failures } from "../sql/check.ts";
import type { Ground } from "./end-to-end/system.ts";
import { until } from "./until.ts";

export interface Servers {
  /** The address of a server of this kind; at another call it may be another one's. */
  readonly wallet: () => string;
  readonly history: () => string;
}

export interface WorkloadOptions {
  readonly random: () => number;
  readonly servers: Servers;
  /** Whether some requests have no key: only where no answer can be lost. */
  readonly withoutKeys: boolean;
}

interface Request {
  readonly service: keyof Servers;
  readonly path: string;
  readonly body: Readonly<Record<string, string>> | undefined;
  readonly key: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Past {
  readonly request: Request;
  readonly answer: Answer;
}

/** Numbers from 0 to below 1. */
export type Random = () => number;

const WALLETS = 12;
const CLIENTS = 6;
const ANSWER_TIMEOUT_MS = 8_000;
/** A server that was killed is back within seconds. */
const DEFINITE_TIMEOUT_MS = 60_000;
const REST_TIMEOUT_MS = 60_000;
/** Requests that a client may repeat. */
const REMEMBERED = 50;

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of the environment's `PROPERTY_SEED`, else of the time; printed where the work fails. */
export async function withSeed(work: (random: Random) => Promise<void>): Promise<void> {
  const seed = Number(process.env.PROPERTY_SEED ?? Date.now() % 2 ** 31);
  try {
    await work(randomOf(seed));
  } catch (error) {
    throw new Error(`With PROPERTY_SEED=${seed}`, { cause: error });
  }
}

export class Workload {
  readonly #wallets: string[] = [];
  readonly #past: Past[] = [];
  /** What the answers say that has happened, as {@link happened} finds it in the database. */
  readonly #told: string[] = [];
  #requests = 0;

  constructor(readonly options: WorkloadOptions) {}

  requests(): number {
    return this.#requests;
  }

  /** Opens the wallets, then plays until the time is over and every request has its answer. */
  async play(duration_ms: number): Promise<void> {
    for (let n = 0; n < WALLETS; n += 1) {
      const request = this.#request("/wallets", { user_id: `user ${n % 5}` });
      const { text } = await this.#answered({ ...request, key: crypto.randomUUID() });
      this.#wallets.push(JSON.parse(text).id);
    }
    const end = performance.now() + duration_ms;
    const client = async () => {
      while (performance.now() < end) await this.#act();
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  /** Waits for the sagas and the history; then each answer has happened once, nothing else has, and all invariants hold. */
  async expectExactlyOnce({ database }: Ground): Promise<void> {
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    try {
      await rest(sql);
      expect(await happened(sql)).toEqual(this.#told.toSorted());
    } finally {
      await sql.end();
    }
    const report = await check({ wallet: database.url, history: database.url }, { wait_ms: REST_TIMEOUT_MS });
    expect(failures(report)).toBe("");
  }

  async #act(): Promise<void> {
    const past = this.#past[Math.floor(this.options.random() * this.#past.length)];
    const chance = this.options.random();
    if (past?.request.key !== undefined && chance < 0.1) return this.#repeat(past);
    if (past?.request.key !== undefined && chance < 0.13) return this.#reuse(past.request.key);
    const request = this.#draw();
    const answer = await this.#answered(request);
    const expected = request.service === "history" ? [200, 404] : [200, 201, 202, 422];
    if (!expected.includes(answer.status))
      throw new Error(`${JSON.stringify(request)}: ${answer.status} ${answer.text}`);
    this.#note(request, answer);
  }

  async #repeat({ request, answer }: Past): Promise<void> {
    expect(await this.#answered(request)).toEqual(answer);
  }

  async #reuse(key: string): Promise<void> {
    const { status, text } = await this.#answered({
      ...this.#request(`/wallets/${this.#wallet()}/fund`, { amount: "77777" }),
      key,
    });
    expect([status, JSON.parse(text).code]).toEqual([422, "idempotency_key_reused"]);
  }

  #note(request: Request, answer: Answer): void {
    if (request.service === "wallet") {
      this.#past[this.#requests % REMEMBERED] = { request, answer };
      const { id, type, amount, transaction_id } = JSON.parse(answer.text);
      if (answer.status === 201) this.#told.push(`${type ?? "TRANSFER_OUT"} ${id} ${amount}`);
      if (answer.status === 202) this.#told.push(`SAGA ${id}`);
      if (request.path === "/transactions" && answer.status === 422 && transaction_id)
        this.#told.push(`SAGA ${transaction_id}`);
    }
  }

  /** Sends it until the answer says what became of it. */
  #answered(request: Request): Promise<Answer> {
    return until(
      async () => {
        const answer = await this.#send(request).catch((error: unknown) => {
          if (request.key === undefined && request.service === "wallet")
            throw new Error(`An answer was lost: ${JSON.stringify(request)}`, { cause: error });
          return undefined;
        });
        return answer !== undefined && answer.status !== 409 && answer.status < 500 && answer;
      },
      { timeout_ms: DEFINITE_TIMEOUT_MS, interval_ms: 50, what: `${JSON.stringify(request)} is answered` },
    );
  }

  async #send({ service, path, body, key }: Request): Promise<Answer> {
    this.#requests += 1;
    const response = await fetch(`${this.options.servers[service]()}${path}`, {
      method: "POST",
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(key !== undefined && { "idempotency-key": key }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.status === 500) throw new Error(`500: ${text}`);
    return { status: response.status, text };
  }

  #draw(): Request {
    const { random } = this.options;
    const [one, other] = [this.#wallet(), this.#wallet()];
    const amount = (Math.ceil(random() * 500_000) / 10_000).toFixed(4);
    const chance = random();
    if (chance < 0.3) return this.#request(`/wallets/${one}/fund`, { amount });
    if (chance < 0.4) return this.#request(`/wallets/${one}/withdraw`, { amount });
    if (chance < 0.65) return this.#request(`/wallets/${one}/transfer`, { to_wallet_id: other, amount });
    if (chance < 0.93) {
      const idempotency_key = crypto.randomUUID();
      const body = { sender_wallet_id: one, receiver_wallet_id: other, amount, idempotency_key };
      return { ...this.#request("/transactions", body), key: idempotency_key };
    }
    const verb = random() < 0.4 ? "freeze" : "unfreeze";
    if (chance < 0.96) return this.#request(`/wallets/${one}/${verb}`);
    return { ...this.#request(`/ledger/accounts/${one}/${verb}`), service: "history", key: undefined };
  }

  #request(path: string, body?: Request["body"]): Request {
    const keyless = this.options.withoutKeys && this.options.random() < 0.4;
    return { service: "wallet", path, body, key: keyless ? undefined : crypto.randomUUID() };
  }

  #wallet(): string {
    return this.#wallets[Math.floor(this.options.random() * this.#wallets.length)] ?? "";
  }
}

/** Until then versions may be missing for a moment, where a topic does not keep their order. */
async function rest(sql: postgres.Sql): Promise<void> {
  await until(
    async () => {
      const [row] = await sql<{ sagas: number; events: number }[]>`
        select (select count(*)::int from wallet.transfer_sagas where status = 'INITIATED') as sagas,
               ((select sum(version) from wallet.wallets) - (select count(*) from history.transaction_events))::int as events`;
      if (row?.sagas !== 0 || row.events !== 0)
        throw new Error(`under way: ${row?.sagas} sagas, ${row?.events} events`);
      return true;
    },
    { timeout_ms: REST_TIMEOUT_MS, interval_ms: 250, what: "every saga is final, every event in the history" },
  );
}

/** What has happened by clients' requests: completed lines other than a saga's, the paying ones of transfers, and sagas. */
async function happened(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ told: string }[]>`
    select line.type || ' ' || line.id || ' ' || line.amount as told
      from wallet.wallet_transactions line
     where line.status = 'COMPLETED' and line.type <> 'TRANSFER_IN'
       and not exists (select from wallet.transfer_sagas saga where saga.id = line.transfer_id)
    union all
    select 'SAGA ' || id from wallet.transfer_sagas`;
  return rows.map(({ told }) => told).toSorted();
}
