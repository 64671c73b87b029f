import { describe, expect, test } from "bun:test";
import { createTopics, type RunningService, spawnService, until } from "../cluster.ts";
import {
  expectInvariants,
  type Ground,
  get,
  isAtWork,
  LAYOUTS,
  type Layout,
  openFunded,
  post,
  prepareGround,
  stopAll,
} from "./system.ts";

/** A saga's servers and topics as they are not meant to be: what is under way ends all the same. */

async function withGround(
  layout: Layout,
  label: string,
  tell: (ground: Ground, start: (...of: Parameters<typeof spawnService>) => Promise<RunningService>) => Promise<void>,
) {
  const ground = await prepareGround(label, layout);
  const started: RunningService[] = [];
  try {
    await tell(ground, async (service, env) => {
      const running = await spawnService(service, env);
      started.push(running);
      await isAtWork(running);
      return running;
    });
    await expectInvariants(ground);
  } finally {
    await stopAll(ground, ...started);
  }
}

/** A topic that nobody reads or writes. */
async function elsewhere(label: string): Promise<string> {
  return (await createTopics(label)).ledger_topic;
}

async function startSaga(wallet: RunningService, sender_wallet_id: string, receiver_wallet_id: string, amount: string) {
  const saga = { sender_wallet_id, receiver_wallet_id, amount, idempotency_key: crypto.randomUUID() };
  const { status, body } = await post(wallet, "/transactions", saga);
  expect([status, body.status]).toEqual([202, "INITIATED"]);
  return body.id;
}

const isDecided = (history: RunningService, saga: string) =>
  until(async () => (await get(history, `/ledger/transactions/${saga}`)).status === 200, {
    timeout_ms: 30_000,
    what: "the ledger posts the saga",
  });

async function endOf(wallet: RunningService, saga: string) {
  const response = await fetch(`${wallet.url}/transactions/${saga}`, { headers: { prefer: "wait=30" } });
  const { status, failure_code } = (await response.json()) as Record<string, unknown>;
  return { status, failure_code };
}

describe.each(LAYOUTS)("what the ledger has decided is settled, in %s,", (layout) => {
  test("although sender and receiver were frozen between the decision and the settlement", () =>
    withGround(layout, "saga-frozen", async ({ env }, start) => {
      // The decisions go by: this server listens to another topic.
      const deaf = await start("wallet", { ...env, KAFKA_LEDGER_TOPIC: await elsewhere("saga deaf") });
      const history = await start("history", env);
      const [a, b] = [await openFunded(deaf, "ann", "10"), await openFunded(deaf, "bob", "1")];
      const saga = await startSaga(deaf, a, b, "4");
      await isDecided(history, saga);
      for (const id of [a, b]) expect((await post(deaf, `/wallets/${id}/freeze`, {})).status).toBe(200);
      expect((await get(deaf, `/wallets/${a}`)).body).toMatchObject({ balance: "10.0000", held: "4.0000" });
      await deaf.kill();
      const wallet = await start("wallet", { ...env, KAFKA_LEDGER_GROUP_ID: `${env.KAFKA_LEDGER_GROUP_ID}-2` });
      expect(await endOf(wallet, saga)).toEqual({ status: "SUCCESS", failure_code: null });
      for (const [id, balance] of [
        [a, "6.0000"],
        [b, "5.0000"],
      ])
        expect((await get(wallet, `/wallets/${id}`)).body).toMatchObject({ balance, held: "0.0000", status: "FROZEN" });
    }));

  test("although the ledger was down when it was asked", () =>
    withGround(layout, "saga-down", async ({ env }, start) => {
      const wallet = await start("wallet", env);
      const [a, b] = [await openFunded(wallet, "ann", "10"), await openFunded(wallet, "bob", "1")];
      const sagas = [await startSaga(wallet, a, b, "4"), await startSaga(wallet, b, a, "1")];
      expect((await get(wallet, `/wallets/${a}`)).body).toMatchObject({ held: "4.0000", available: "6.0000" });
      await start("history", env);
      for (const saga of sagas) expect(await endOf(wallet, saga)).toMatchObject({ status: "SUCCESS" });
    }));

  test("although the ledger was killed over and over while it decided", () =>
    withGround(layout, "saga-killed", async ({ env }, start) => {
      const wallet = await start("wallet", env);
      let history = await start("history", env);
      const [a, b] = [await openFunded(wallet, "ann", "100"), await openFunded(wallet, "bob", "100")];
      const sagas: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        for (let n = 0; n < 8; n += 1) {
          const [from, to] = n % 2 === 0 ? [a, b] : [b, a];
          sagas.push(await startSaga(wallet, from, to, "1.5"));
        }
        await history.kill("SIGKILL");
        history = await start("history", env);
      }
      for (const saga of sagas) expect(await endOf(wallet, saga)).toMatchObject({ status: "SUCCESS" });
    }));

  test("although the answer was lost: it is asked for again, and is the same", () =>
    withGround(layout, "saga-lost", async ({ env }, start) => {
      const wallet = await start("wallet", env);
      const mute = await start("history", { ...env, KAFKA_LEDGER_TOPIC: await elsewhere("saga mute") });
      const [a, b] = [await openFunded(wallet, "ann", "10"), await openFunded(wallet, "bob", "1")];
      const saga = await startSaga(wallet, a, b, "4");
      await isDecided(mute, saga);
      await mute.kill();
      const history = await start("history", env);
      // The wallet service asks again after ten seconds.
      expect(await endOf(wallet, saga)).toEqual({ status: "SUCCESS", failure_code: null });
      expect((await get(history, `/ledger/transactions/${saga}`)).body.entries).toHaveLength(2);
    }));
});
