/**
 * `bun run demo --chaos`: the history service is killed while people pay, the lag grows, `bun start` starts it again, and it
 * catches up without a gap.
 */
import { end, isRunning, recorded } from "../processes.ts";
import { type Answer, type Call, itemsOf, send, textOf } from "./call.ts";
import type { Addresses } from "./play.ts";

/** How things stood at a moment. */
export interface Sample {
  /** Milliseconds since the chapter began. */
  readonly at_ms: number;
  /** Events of the two wallets that have happened, by their versions. */
  readonly happened: number;
  /** Those that the history has; null where it does not answer. */
  readonly stored: number | null;
  /** Those that it lacks, as of its last answer. */
  readonly behind: number;
}

export interface Chaos {
  readonly transfers: number;
  /** From the kill until the history answered again, and from then until it had everything. */
  readonly down_ms: number;
  readonly catch_up_ms: number;
  readonly most_behind: number;
  readonly gaps: string;
  readonly faults: readonly string[];
}

/** Who pays at the same time. */
const PAYERS = 4;
const SAMPLE_EVERY_MS = 250;
/** The payments go on for so long before the kill and after the return. */
const CALM_MS = 1_000;
/** A server starts within seconds; a history that is not back by then does not come back. */
const PATIENCE_MS = 60_000;
const KILL_WAIT_MS = 5_000;

export interface ChaosOptions {
  readonly addresses: Addresses;
  /** Where the running history server is noted. */
  readonly processFile: string;
  readonly onSample: (sample: Sample) => void;
  readonly onEvent: (text: string) => void;
}

/** Throws where no history server is noted to be running. */
export async function playChaos({ addresses, processFile, onSample, onEvent }: ChaosOptions): Promise<Chaos> {
  const history = recorded(processFile);
  if (history === null) throw new Error("the history server that `bun start` runs was not found");
  const ask = (service: "wallet" | "history", call: Call) =>
    send(addresses[service], { ...call, headers: { ...call.headers, ...addresses.headers } });
  const wallets = [await open(ask, "chaos-ada"), await open(ask, "chaos-ben")] as const;
  const street = new Street(ask, wallets);
  const began = performance.now();
  let most_behind = 0;
  const look = async (): Promise<Sample> => {
    const [happened, stored] = await Promise.all([street.happened(), street.stored()]);
    const behind = Math.max(0, happened - street.lastStored);
    const sample = { at_ms: performance.now() - began, happened, stored, behind };
    most_behind = Math.max(most_behind, behind);
    onSample(sample);
    return sample;
  };
  const watch = async (until: (sample: Sample) => boolean): Promise<boolean> => {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      if (until(await look())) return true;
      await Bun.sleep(SAMPLE_EVERY_MS);
    }
    return false;
  };

  const payments = street.pay();
  await watch(({ at_ms }) => at_ms > CALM_MS);
  onEvent(`kill -9 of the history server (process ${history.pid})`);
  const killed = performance.now();
  await end(history, [{ signal: "SIGKILL", wait_ms: KILL_WAIT_MS }]);
  const died = !isRunning(history);
  const returned = await watch(({ stored }) => stored !== null);
  const back = performance.now();
  onEvent(returned ? "the history server answers again" : "the history server has not come back");
  await watch(() => performance.now() - back > CALM_MS);
  await street.stop(payments);
  const caughtUp = await watch(({ happened, stored }) => stored === happened);
  const lag = await ask("history", { method: "GET", path: "/lag" });
  const gaps = textOf(lag.body, "gaps");
  return {
    transfers: street.transfers,
    down_ms: back - killed,
    catch_up_ms: performance.now() - back,
    most_behind,
    gaps,
    faults: [
      ...(died ? [] : ["the history server survived the kill"]),
      ...(returned ? [] : ["the history server did not come back"]),
      ...(caughtUp ? [] : ["the history did not catch up"]),
      ...(gaps === "0" ? [] : [`the history has ${gaps || "an unknown number of"} gaps`]),
      ...street.faults,
      ...(await street.missing()),
    ],
  };
}

type Ask = (service: "wallet" | "history", call: Call) => Promise<Answer>;

const post = (path: string, body: Record<string, unknown>): Call => ({
  method: "POST",
  path,
  headers: { "Idempotency-Key": crypto.randomUUID() },
  body,
});

async function open(ask: Ask, user_id: string): Promise<string> {
  const id = textOf((await ask("wallet", post("/wallets", { user_id }))).body, "id");
  await ask("wallet", post(`/wallets/${id}/fund`, { amount: "1000" }));
  return id;
}

/** Two wallets that pay each other. */
class Street {
  transfers = 0;
  lastStored = 0;
  readonly faults: string[] = [];
  #open = true;

  constructor(
    readonly ask: Ask,
    readonly wallets: readonly [string, string],
  ) {}

  async pay(): Promise<void> {
    await Promise.all(Array.from({ length: PAYERS }, (_, payer) => this.#payOn(payer)));
  }

  async #payOn(payer: number): Promise<void> {
    const [from, to] = payer % 2 === 0 ? this.wallets : this.wallets.toReversed();
    while (this.#open) {
      const call = post(`/wallets/${from}/transfer`, { to_wallet_id: to, amount: "0.01" });
      const { status } = await this.ask("wallet", call);
      if (status === 201) this.transfers += 1;
      else this.faults.push(`a transfer was answered ${status}`);
    }
  }

  async stop(payments: Promise<void>): Promise<void> {
    this.#open = false;
    await payments;
  }

  async happened(): Promise<number> {
    const wallets = await Promise.all(
      this.wallets.map((id) => this.ask("wallet", { method: "GET", path: `/wallets/${id}` })),
    );
    return sum(wallets.map(({ body }) => Number(textOf(body, "version"))));
  }

  async stored(): Promise<number | null> {
    try {
      const balances = await Promise.all(
        this.wallets.map((id) => this.ask("history", { method: "GET", path: `/wallets/${id}/balance` })),
      );
      // The first moments, in which it knows nothing of the wallets yet, are a lag too.
      this.lastStored = sum(balances.map(({ body }) => Number(textOf(body, "wallet_version") || "0")));
      return this.lastStored;
    } catch {
      return null;
    }
  }

  /** Versions that the histories lack, read page by page. */
  async missing(): Promise<string[]> {
    const faults: string[] = [];
    for (const id of this.wallets) {
      let next = 1;
      let cursor = "";
      do {
        const path = `/wallets/${id}/history?order=asc&limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
        const { body } = await this.ask("history", { method: "GET", path });
        for (const event of itemsOf(body)) {
          if (Number(textOf(event, "wallet_version")) !== next) faults.push(`version ${next} of ${id} is missing`);
          next = Number(textOf(event, "wallet_version")) + 1;
        }
        cursor = textOf(body, "next_cursor");
      } while (cursor !== "");
    }
    return faults;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
