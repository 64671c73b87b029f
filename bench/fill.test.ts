import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { asOwner } from "../sql/check.fixture.ts";
import { check, failures } from "../sql/check.ts";
import { createDatabase, emptyDatabase } from "../test/cluster.ts";
import { LAYOUTS } from "../test/end-to-end/system.ts";

async function fill(databases: { wallet: string; history: string }, ...args: string[]) {
  const child = Bun.spawn([process.execPath, "--no-env-file", "bench/fill.ts", ...args], {
    cwd: join(import.meta.dir, ".."),
    env: { PATH: process.env.PATH, WALLET_DATABASE_URL: databases.wallet, HISTORY_DATABASE_URL: databases.history },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: output + errors };
}

describe("a database that was filled is as servers would have left it", () => {
  test.each(LAYOUTS)("in %s: all invariants hold at rest, and a second filling adds to the first", async (layout) => {
    const wallet = await emptyDatabase("fill-w");
    const history = layout === "one database" ? wallet : await emptyDatabase("fill-h");
    const databases = { wallet: wallet.url, history: history.url };
    const args = ["--transfers", "600", "--wallets", "20", "--sagas", "60"];
    for (const _ of [1, 2]) expect(await fill(databases, ...args)).toMatchObject({ code: 0 });
    expect(failures(await check(databases, { wait_ms: 0 }))).toBe("");
    const [made] = await asOwner(
      wallet.url,
      (sql) => sql`
        select
          (select count(*)::int from wallet.wallet_transactions where type = 'TRANSFER_OUT') as transfers,
          (select count(*)::int from wallet.transfer_sagas where status = 'SUCCESS') as sagas,
          (select count(*)::int from wallet.idempotency_keys) as keys`,
    );
    expect(made).toEqual({ transfers: 1_200, sagas: 120, keys: 2 * (600 + 2 * 20) });
    await wallet.drop();
    if (history !== wallet) await history.drop();
  });

  test("one on which a server is at work is left alone", async () => {
    const { url, drop } = await createDatabase("fill-busy");
    await asOwner(url, (sql) => sql`select wallet.acquire_lease('a server', 30000)`);
    const { code, output } = await fill({ wallet: url, history: url }, "--transfers", "10", "--wallets", "2");
    expect(code).toBe(1);
    expect(output).toContain("A server is at work on this database");
    await drop();
  });

  test("an option that makes no sense is refused", async () => {
    expect((await fill({ wallet: "", history: "" }, "--sagas", "some")).code).toBe(2);
  });
});
