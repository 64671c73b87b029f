/**
 * What the machine can do at all, without HTTP: commits of one row, the system's SQL function with full lists, and one
 * transfer at a time. Run as a process of its own: `bun bench/baselines/limits.ts '<options>'`.
 */
import { join } from "node:path";
import { connectFunctions, type Sql } from "../../shared/database.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { BATCH_OPERATIONS, CALLS_IN_FLIGHT } from "../../wallet/committer.ts";
import { callWith } from "../../wallet/execute.ts";
import { startAlone } from "../ground.ts";
import { Connection, type Reply } from "../load/connection.ts";
import { type Latency, Samples } from "../load/latency.ts";
import { wireOf } from "../load/requests.ts";
import type { Bench } from "../measure.ts";
import { applyTransfers, type Pair, pairsAmong } from "../wallets.ts";
import { callTransfer } from "./single-call.ts";
import { requestOf } from "./transfer.ts";

export interface Limits {
  /** Commits of a single row per second, by number of connections. */
  readonly commits: Readonly<Record<string, number>>;
  /** Transfers per second by apply_operations() with full lists, as many calls at once as the committer makes. */
  readonly full_lists: number;
  /** One transfer after the other on an idle machine, in milliseconds: by the baseline's function, by the system's, and over HTTP. */
  readonly single_ms: { readonly one_call: Latency; readonly list_of_one: Latency; readonly http: Latency };
}

interface Options {
  readonly url: string;
  /** Of a wallet server that has nothing else to do. */
  readonly server: string;
  readonly wallets: readonly string[];
  readonly seconds: number;
}

const COMMIT_CONNECTIONS = [1, 8, 32] as const;
const MS_PER_S = 1_000;

export async function measureLimits({ ground, plan, say }: Bench): Promise<Limits> {
  const server = await startAlone(ground, await ground.database("alone"));
  const url = await ground.database("limits");
  const options: Options = { url, server: server.url, wallets: ground.wallets, seconds: plan.seconds };
  const script = join(import.meta.dir, "limits.ts");
  const { output, errors, code } = await ground.processes.run([process.execPath, script, JSON.stringify(options)]);
  await server.stop();
  if (code !== 0) throw new Error(`the limits could not be measured: ${errors}`);
  const limits: Limits = JSON.parse(output);
  const { one_call, http } = limits.single_ms;
  say(
    `limits: ${Math.round(limits.full_lists)} transfers/s in full lists, commits/s ${JSON.stringify(limits.commits)}`,
  );
  say(`one client: p50 ${http.p50.toFixed(2)} ms over HTTP, ${one_call.p50.toFixed(2)} ms by one direct call`);
  return limits;
}

async function run({ url, server, wallets, seconds }: Options): Promise<Limits> {
  const connect = (max: number): Sql =>
    connectFunctions(url, { service: "wallet", purpose: "bench", max, asOwner: true });
  const commits: Record<string, number> = {};
  for (const connections of COMMIT_CONNECTIONS) {
    const sql = connect(connections);
    const { count } = await repeat(connections, seconds, () => insertOne(sql));
    commits[connections] = count / seconds;
    await sql.end();
  }
  const sql = connect(CALLS_IN_FLIGHT);
  const call = callWith(sql);
  const list = pairsAmong(wallets, BATCH_OPERATIONS);
  const lists = await repeat(CALLS_IN_FLIGHT, seconds, () => applyTransfers(call, list));
  const single_ms = await measureSingles(sql, server, pairsAmong(wallets, wallets.length), seconds);
  await sql.end();
  return { commits, full_lists: (lists.count * BATCH_OPERATIONS) / seconds, single_ms };
}

/** One transfer after the other, by turns in each of the ways: whatever the machine does meets all three. */
async function measureSingles(
  sql: Sql,
  server: string,
  pairs: readonly Pair[],
  seconds: number,
): Promise<Limits["single_ms"]> {
  const { hostname, port, host } = new URL(server);
  const connection = await Connection.open({ hostname, port: Number(port) });
  const call = callWith(sql);
  const ways = [
    (pair: Pair) => transferOnce(sql, pair),
    (pair: Pair) => applyTransfers(call, [pair]),
    (pair: Pair) => transferOverHttp(connection, host, pair),
  ];
  const [one_call = new Samples(), list_of_one = new Samples(), http = new Samples()] = ways.map(() => new Samples());
  const samples = [one_call, list_of_one, http];
  const start = performance.now() + MS_PER_S;
  // Each of the three has the time of a measurement.
  const end = start + ways.length * seconds * MS_PER_S;
  for (let turn = 0; performance.now() < end; turn++) {
    const pair = pairs[turn % pairs.length] ?? { from: "", to: "" };
    const began = performance.now();
    await ways[turn % ways.length]?.(pair);
    if (began >= start) samples[turn % ways.length]?.add(performance.now() - began);
  }
  connection.close();
  return { one_call: one_call.latency(), list_of_one: list_of_one.latency(), http: http.latency() };
}

/** By the same kind of connection as an open loop's, so that the client costs next to nothing. */
async function transferOverHttp(connection: Connection, host: string, { from, to }: Pair): Promise<void> {
  const body = JSON.stringify({ to_wallet_id: to, amount: "0.01" });
  const { head, tail } = wireOf({ method: "POST", path: `/wallets/${from}/transfer`, body }, host);
  const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
  connection.send(`${head}${crypto.randomUUID()}${tail}`, resolve);
  const reply = await promise;
  if (reply?.status !== 201) throw new Error(`a transfer was answered ${reply?.status}`);
}

/** So many at a time, each again and again, until the time is up; the first second of each is to warm up. */
async function repeat(at_once: number, seconds: number, once: (at: number) => Promise<unknown>): Promise<Samples> {
  const samples = new Samples();
  const start = performance.now() + MS_PER_S;
  const end = start + seconds * MS_PER_S;
  let at = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < end) {
      const began = performance.now();
      at += 1;
      await once(at);
      if (began >= start) samples.add(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: at_once }, work));
  return samples;
}

async function transferOnce(sql: Sql, { from, to }: Pair): Promise<void> {
  await callTransfer(sql, requestOf(from, { to_wallet_id: to, amount: "0.01" }, crypto.randomUUID()));
}

/** The smallest row that there is to commit: a key. */
async function insertOne(sql: Sql): Promise<void> {
  await sql`insert into idempotency_keys (key, fingerprint, status_code, response) values (${uuidv7()}, '\\x00', 200, '')`;
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? "{}"))));
}
