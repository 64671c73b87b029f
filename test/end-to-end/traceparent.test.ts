import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectFunctions, type Service, type Sql } from "../../shared/database.ts";
import { until } from "../cluster.ts";
import { expectInvariants, LAYOUTS, openFunded, post, type RunningSystem, startSystem, stopAll } from "./system.ts";

describe.each(LAYOUTS)("a trace goes all the way of a saga, in %s", (layout) => {
  let system: RunningSystem;
  let owners: Readonly<Record<Service, Sql>>;

  beforeAll(async () => {
    system = await startSystem("trace", layout);
    const connect = (service: Service, url: string) =>
      connectFunctions(url, { service, purpose: "test", max: 1, asOwner: true });
    owners = {
      wallet: connect("wallet", system.database.url),
      history: connect("history", system.historyDatabase.url),
    };
  });
  afterAll(async () => {
    await Promise.all(Object.values(owners ?? {}).map((sql) => sql.end()));
    await stopAll(system, system?.wallet, system?.history);
  });

  const newTrace = () => `00-${crypto.randomUUID().replaceAll("-", "")}-00f067aa0ba902b7-01`;

  async function saga(sender_wallet_id: string, receiver_wallet_id: string, traceparent?: string) {
    const body = { sender_wallet_id, receiver_wallet_id, amount: "1", idempotency_key: crypto.randomUUID() };
    const headers = { prefer: "wait=20", ...(traceparent !== undefined && { traceparent }) };
    return (await post(system.wallet, "/transactions", body, headers)).body;
  }

  /** What the two services have published of a saga, each with its trace context. */
  async function published(saga: string): Promise<string[]> {
    const of = (service: Service) => owners[service]`
      select type || ' ' || coalesce(traceparent, 'none') as text from outbox
      where ${saga} in (payload ->> 'transaction_id', payload ->> 'transfer_id') order by id`;
    const rows = await Promise.all([of("wallet"), of("history")]);
    return rows.flat().map(({ text }) => String(text));
  }

  test("from the request to the decision and the settlement, each saga under its own", async () => {
    const [a, b] = [await openFunded(system.wallet, "ann", "10"), await openFunded(system.wallet, "bob", "10")];
    const [one, other] = [newTrace(), newTrace()];
    // At once, so that they share calls of the database.
    const [first, second, untraced] = await Promise.all([saga(a, b, one), saga(b, a, other), saga(a, b)]);
    const types = ["WALLET_RESERVED", "TRANSFER_OUT", "TRANSFER_IN", "LEDGER_SUCCESS"];
    for (const [{ id, status }, trace] of [
      [first, one],
      [second, other],
      [untraced, "none"],
    ] as const) {
      expect(status).toBe("SUCCESS");
      expect(await published(id)).toEqual(types.map((type) => `${type} ${trace}`));
    }
    await expectInvariants(system);
  });

  test("also where the ledger refuses it; a malformed one is no trace", async () => {
    const [a, b] = [await openFunded(system.wallet, "cid", "10"), await openFunded(system.wallet, "dan", "10")];
    await until(async () => (await post(system.history, `/ledger/accounts/${b}/freeze`, {})).status === 200);
    const trace = newTrace();
    const refused = await saga(a, b, trace);
    expect(refused.status).toBe("FAILED");
    const types = ["WALLET_RESERVED", "RESERVATION_RELEASED", "LEDGER_FAILED"];
    expect(await published(refused.id)).toEqual(types.map((type) => `${type} ${trace}`));
    expect(await published((await saga(a, b, "00-no-trace")).id)).toEqual(types.map((type) => `${type} none`));
    await expectInvariants(system);
  });
});
