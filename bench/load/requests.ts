/** The requests of a load: planned before it, so that making them costs the generator nothing while it measures. */
import { readFileSync, writeFileSync } from "node:fs";

export interface PlannedRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON; empty for none. */
  readonly body: string;
}

export type Workload = "uniform" | "zipf" | "hot";

/** As many as repeat no pattern that a cache could learn, and few enough to be read at once. */
const REQUESTS = 50_000;
/** The exponent of YCSB's "zipfian" distribution: among 1,000 wallets the first has 13 % of the requests. */
const ZIPF_EXPONENT = 0.99;
/** So small that the wallets, which begin with a billion, never run out of money. */
const AMOUNT = "0.01";
const SEED = 20_261_121;

/** Transfers between the wallets; into the first of them where the workload is `hot`. The same wallets give the same list. */
export function transfersBetween(wallets: readonly string[], workload: Workload, count = REQUESTS): PlannedRequest[] {
  const random = randomFrom(SEED);
  const pick = workload === "zipf" ? zipf(wallets.length, random) : () => Math.floor(random() * wallets.length);
  return Array.from({ length: count }, () => {
    const to = workload === "hot" ? 0 : pick();
    let from = pick();
    while (from === to) from = pick();
    return transfer(wallets[from], wallets[to]);
  });
}

/** GET of each path, in this order. */
export function readsOf(paths: readonly string[]): PlannedRequest[] {
  return paths.map((path) => ({ method: "GET", path, body: "" }));
}

/** One line per request, the parts between tabs: what the script of wrk reads too. */
export function writeRequests(file: string, requests: readonly PlannedRequest[]): string {
  writeFileSync(file, requests.map(({ method, path, body }) => `${method}\t${path}\t${body}\n`).join(""));
  return file;
}

/** @throws Error where a line is none of {@link writeRequests} */
export function readRequests(file: string): PlannedRequest[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [method, path, body] = line.split("\t");
      if ((method !== "GET" && method !== "POST") || path === undefined || body === undefined)
        throw new Error(`not a request: ${line}`);
      return { method, path, body };
    });
}

/** The bytes of a request up to the value of its Idempotency-Key, and from there. */
export function wireOf({ method, path, body }: PlannedRequest, host: string): { head: string; tail: string } {
  const start = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  if (method === "GET") return { head: `${start}X-Load: `, tail: "\r\n\r\n" };
  return {
    head: `${start}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nIdempotency-Key: `,
    tail: `\r\n\r\n${body}`,
  };
}

function transfer(from: string | undefined, to: string | undefined): PlannedRequest {
  if (from === undefined || to === undefined) throw new Error("a load needs wallets");
  const body = JSON.stringify({ to_wallet_id: to, amount: AMOUNT });
  return { method: "POST", path: `/wallets/${from}/transfer`, body };
}

/** Ranks from 0, the first the most frequent: by looking up where a random number falls in the running sum of the weights. */
function zipf(count: number, random: () => number): () => number {
  let sum = 0;
  const sums = Float64Array.from({ length: count }, (_, rank) => {
    sum += 1 / (rank + 1) ** ZIPF_EXPONENT;
    return sum;
  });
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
