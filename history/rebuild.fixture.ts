import { connectFunctions, type Sql } from "../shared/database.ts";
import type { KafkaSettings } from "../shared/kafka.ts";
import { createLog } from "../shared/log.ts";
import { post, type RunningSystem, startSystem, stopAll } from "../test/end-to-end/system.ts";
import { type RebuildReport, rebuild } from "./rebuild.ts";
import { dropOld } from "./rebuilding/tables.ts";

/** For tests of a rebuild: a system at work, and the rebuild beside it. */
export interface RebuiltSystem {
  readonly system: RunningSystem;
  readonly owner: Sql;
  readonly kafka: KafkaSettings;
  /** What an earlier swap has kept is dropped first. */
  rebuild(options?: { swap?: boolean; discard?: boolean }): Promise<RebuildReport>;
  saga(from: string, to: string, amount: string): Promise<{ id: string; status: string }>;
  send(to: string, amount: string, from: string): ReturnType<typeof post>;
  /** Transfers and sagas to and fro, until told to stop. Of two or four wallets, none pays more than it gets; of three, one does. */
  traffic(wallets: readonly string[]): Traffic;
  stop(): Promise<void>;
}

export interface Traffic {
  readonly done: () => number;
  /** Gives the answers that were no success. */
  stop(): Promise<unknown[]>;
}

/** Clients at once. */
const WALKS = 4;

export async function startRebuiltSystem(label: string): Promise<RebuiltSystem> {
  const system = await startSystem(label);
  const { wallet, history, database, env } = system;
  const owner = connectFunctions(database.url, { service: "history", purpose: "test", max: 2, asOwner: true });
  const log = createLog({ service: "test", level: "silent", pretty: false });
  const kafka = { brokers: [env.KAFKA_BROKERS ?? ""], ssl: false, sasl: null, clientId: "test", log };

  const saga: RebuiltSystem["saga"] = async (sender_wallet_id, receiver_wallet_id, amount) => {
    const body = { sender_wallet_id, receiver_wallet_id, amount, idempotency_key: crypto.randomUUID() };
    return (await post(wallet, "/transactions", body, { prefer: "wait=30" })).body;
  };
  const send: RebuiltSystem["send"] = (to_wallet_id, amount, from) =>
    post(wallet, `/wallets/${from}/transfer`, { to_wallet_id, amount });

  return {
    system,
    owner,
    kafka,
    saga,
    send,
    async rebuild(options = {}) {
      await dropOld(database.url);
      const { KAFKA_TOPIC = "", KAFKA_LEDGER_TOPIC = "" } = env;
      return rebuild({
        databaseUrl: database.url,
        kafka,
        topic: KAFKA_TOPIC,
        ledgerTopic: KAFKA_LEDGER_TOPIC,
        ...options,
      });
    },
    traffic(wallets) {
      let stopped = false;
      let done = 0;
      const odd: unknown[] = [];
      const walk = async (first: number): Promise<void> => {
        for (let round = first; !stopped; round += 1) {
          const [a = "", b = ""] = [wallets[round % wallets.length], wallets[(round + 1) % wallets.length]];
          const { status } = round % 3 === 0 ? await saga(a, b, "0.5") : await send(b, "0.25", a);
          if (status !== "SUCCESS" && status !== 201) odd.push(status);
          done += 1;
        }
      };
      const walks = Array.from({ length: WALKS }, (_, first) => walk(first));
      return {
        done: () => done,
        async stop() {
          stopped = true;
          await Promise.all(walks);
          return odd;
        },
      };
    },
    async stop() {
      await owner.end();
      await stopAll(system, wallet, history);
    },
  };
}
