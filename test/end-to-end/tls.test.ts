import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTopics } from "../../dev/create-topic.ts";
import { readCertificates } from "../../shared/certificates.ts";
import { connectFunctions } from "../../shared/database.ts";
import { uuidv7 } from "../../shared/ids.ts";
import { connectProducer, type KafkaSettings, withAdmin } from "../../shared/kafka.ts";
import { createLog } from "../../shared/log.ts";
import { migrate } from "../../sql/migrate.ts";
import { callWith, execute } from "../../wallet/execute.ts";
import { fund } from "../../wallet/testing.ts";
import { cluster, spawnService, until } from "../cluster.ts";
import {
  type Authorities,
  LOGIN,
  makeAuthorities,
  type SecureBroker,
  type SecurePostgres,
  startBlindRelay,
  startSecureBroker,
  startSecurePostgres,
} from "../tls.ts";

/** With a real PostgreSQL and a real broker that have certificates of their own and take nobody in the clear. */

const log = createLog({ service: "test", level: "silent", pretty: false });

/** Four servers start, two of them in Java; on a busy machine that takes its time. */
const START_TIMEOUT_MS = 180_000;

let authorities: Authorities;
let postgres: SecurePostgres;
let broker: SecureBroker;

beforeAll(async () => {
  authorities = await makeAuthorities();
  [postgres, broker] = await Promise.all([startSecurePostgres(authorities), startSecureBroker(authorities)]);
}, START_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all([postgres?.stop(), broker?.kill()]);
});

const root = (of: "ours" | "other") => `sslrootcert=${encodeURIComponent(authorities[of].cert)}`;

/** How the server sees a connection by this address, or why there is none. */
async function ask(url: string): Promise<unknown> {
  const sql = connectFunctions(url, { service: "wallet", purpose: "tls", max: 1, asOwner: true });
  try {
    const [row] = await sql`select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`;
    return row;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

describe("a database is spoken to when one is sure of it, and not otherwise", () => {
  test("verify-full: encrypted, with a certificate that our authority gave for this name", async () => {
    const encrypted = { ssl: true, version: "TLSv1.3" };
    expect(await ask(postgres.url("localhost", `?sslmode=verify-full&${root("ours")}`))).toEqual(encrypted);
    const direct = `?sslmode=verify-full&sslnegotiation=direct&${root("ours")}`;
    expect(await ask(postgres.url("localhost", direct))).toEqual(encrypted);
    expect(await ask(postgres.url("127.0.0.1", `?sslmode=verify-ca&${root("ours")}`))).toEqual(encrypted);
    expect(await ask(postgres.url("127.0.0.1", "?sslmode=require"))).toEqual(encrypted);
  });

  test("another authority's word is not taken", async () => {
    for (const mode of ["verify-full", "verify-ca", "require"]) {
      const told = await ask(postgres.url("localhost", `?sslmode=${mode}&${root("other")}`));
      expect([mode, told]).toEqual([
        mode,
        expect.stringMatching(/^no secure connection to the database: .*certificate/),
      ]);
    }
    // Nobody whom the system trusts has vouched for it.
    expect(await ask(postgres.url("localhost", "?sslrootcert=system"))).toMatch(/^no secure connection/);
  });

  test("a certificate for another name is not taken", async () => {
    for (const more of ["", "&sslnegotiation=direct"]) {
      const told = await ask(postgres.url("127.0.0.1", `?sslmode=verify-full&${root("ours")}${more}`));
      expect(told).toMatch(/^no secure connection to the database: .*(does not match|altname|IP: 127.0.0.1)/i);
    }
  });

  test("such a server refuses whoever comes in the clear", async () => {
    expect(await ask(postgres.url("localhost", ""))).toMatch(/no encryption/);
    expect(await ask(postgres.url("localhost", "?sslmode=disable"))).toMatch(/no encryption/);
  });

  test("a server without TLS gets no password and no word", async () => {
    const { admin_url } = await cluster();
    expect(await ask(`${admin_url}?sslmode=require`)).toMatch(/does not speak TLS/);
    expect(await ask(`${admin_url}?sslmode=require&sslnegotiation=direct`)).toMatch(/^no secure connection/);
  });

  test("a pool outlives its refusals: no place in it is lost", async () => {
    const sql = connectFunctions(postgres.url("127.0.0.1", `?sslmode=verify-full&${root("ours")}`), {
      ...({ service: "wallet", purpose: "tls", max: 2, asOwner: true } as const),
    });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const lost = await sql`select 1`.then(
        () => "answered",
        (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
      );
      expect(lost).toBe("NO_TLS");
    }
    await sql.end({ timeout: 1 });
  });
});

describe("a change of money without a secure connection", () => {
  test("has not happened, and is told so", async () => {
    const sql = connectFunctions(postgres.url("localhost", `?sslmode=verify-full&${root("other")}`), {
      ...({ service: "wallet", purpose: "tls", max: 1 } as const),
    });
    let now = 0;
    // Each look at the clock is a minute later, so nothing is tried again.
    const options = { call: callWith(sql), log, now: () => (now += 60_000) };
    expect(await execute([fund(uuidv7(), "1")], options)).toEqual([{ failure: "unavailable" }]);
    await sql.end({ timeout: 1 });
  });
});

describe("an encrypted connection that has died in silence is replaced", () => {
  test("after the statement's time and a grace", async () => {
    const relay = await startBlindRelay(postgres.port);
    const address = new URL(postgres.url("localhost", `?sslmode=verify-full&${root("ours")}`));
    address.port = String(relay.port);
    const sql = connectFunctions(address.href, {
      ...({ service: "wallet", purpose: "tls", max: 1, asOwner: true, statementTimeoutMs: 200 } as const),
    });
    const pid = async () => (await sql`select pg_backend_pid() as pid`)[0]?.pid;
    const first = await pid();
    // Longer than a silence may be: whoever asks nothing is left alone.
    await Bun.sleep(1_600);
    expect(await pid()).toBe(first);
    relay.blackHole();
    const started = performance.now();
    expect(await pid().catch((error: { code?: string }) => error.code)).toBe("CONNECTION_CLOSED");
    expect(performance.now() - started).toBeLessThan(2_500);
    expect(await pid()).not.toBe(first);
    await sql.end({ timeout: 1 });
    relay.close();
  });
});

function settings(of: "ours" | "other", more: Partial<KafkaSettings> = {}): KafkaSettings {
  return {
    brokers: [`localhost:${broker.port}`],
    ssl: true,
    sslCa: readCertificates(authorities[of].cert),
    sasl: { mechanism: "scram-sha-256", ...LOGIN },
    clientId: "test",
    log,
    ...more,
  };
}

/** The topics that the broker tells of, or why it tells nothing. */
function listTopics(kafka: KafkaSettings): Promise<unknown> {
  return withAdmin(kafka, 5_000, (admin) => admin.listTopics()).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
}

describe("a broker is spoken to when one is sure of it, and not otherwise", () => {
  test("encrypted, with a certificate that our authority gave for this name, by either SCRAM", async () => {
    expect(await listTopics(settings("ours"))).toBeArray();
    const sasl = { mechanism: "scram-sha-512", ...LOGIN } as const;
    expect(await listTopics(settings("ours", { sasl }))).toBeArray();
  });

  test("another authority's word is not taken", async () => {
    expect(await listTopics(settings("other"))).toMatch(/certificate/i);
    expect(await listTopics(settings("ours", { sslCa: null }))).toMatch(/certificate/i);
  });

  test("a certificate for another name is not taken", async () => {
    const told = await listTopics(settings("ours", { brokers: [`127.0.0.1:${broker.port}`] }));
    expect(told).toMatch(/does not match|altname|IP: 127.0.0.1/i);
  });

  test("a wrong password, a stranger and no login at all are refused, and so is the clear", async () => {
    for (const login of [
      { ...LOGIN, password: "wrong" },
      { username: "stranger", password: LOGIN.password },
    ]) {
      const told = await listTopics(settings("ours", { sasl: { mechanism: "scram-sha-256", ...login } }));
      expect(told).toMatch(/authentication/i);
    }
    expect(await listTopics(settings("ours", { sasl: null }))).toBeString();
    expect(await listTopics(settings("ours", { ssl: false }))).toBeString();
  });

  test("a producer that meets the wrong certificate fails within its deadline", async () => {
    const started = performance.now();
    await expect(connectProducer(settings("other"), 2_000)).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe("the whole system", () => {
  test("works with nothing in the clear", async () => {
    const databaseUrl = postgres.url("localhost", `?sslmode=verify-full&${root("ours")}`);
    await migrate({ wallet: databaseUrl, history: databaseUrl }, { info: () => undefined });
    await createTopics(settings("ours"), ["wallet-events", "ledger-events"], 1);
    const env = {
      DATABASE_URL: databaseUrl,
      KAFKA_BROKERS: `localhost:${broker.port}`,
      KAFKA_SSL: "true",
      KAFKA_SSL_CA: authorities.ours.cert,
      KAFKA_SASL_MECHANISM: "scram-sha-256",
      KAFKA_SASL_USERNAME: LOGIN.username,
      KAFKA_SASL_PASSWORD: LOGIN.password,
      LOG_LEVEL: "info",
    };
    const [wallet, history] = await Promise.all([spawnService("wallet", env), spawnService("history", env)]);
    const post = async (path: string, body: object) => {
      const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      const response = await fetch(wallet.url + path, request);
      return { status: response.status, body: (await response.json()) as { id: string } };
    };
    const opened = await until(async () => {
      const answer = await post("/wallets", { user_id: "alice" });
      return answer.status === 201 && answer;
    });
    expect((await post(`/wallets/${opened.body.id}/fund`, { amount: "10" })).status).toBe(201);
    const events = await until(
      async () => {
        const response = await fetch(`${history.url}/wallets/${opened.body.id}/history`);
        const { items } = (await response.json()) as { items: unknown[] };
        return items.length === 2 && items;
      },
      { timeout_ms: 20_000 },
    );
    expect(events).toHaveLength(2);
    const sql = connectFunctions(databaseUrl, { service: "wallet", purpose: "look", max: 1, asOwner: true });
    const sessions = await sql`
      select ssl, count(*)::int as sessions from pg_stat_ssl join pg_stat_activity using (pid)
       where application_name ~ '^(wallet|history):' group by ssl`;
    expect(sessions).toMatchObject([{ ssl: true }]);
    await sql.end({ timeout: 1 });
    expect(await Promise.all([wallet.kill(), history.kill()])).toEqual([0, 0]);
    for (const { output } of [wallet, history]) expect(output()).not.toContain(LOGIN.password);
  });
});
