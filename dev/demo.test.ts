import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { spawnService } from "../test/cluster.ts";
import { prepareGround, type RunningSystem, startSystem, stopAll } from "../test/end-to-end/system.ts";
import { freePort } from "./ports.ts";

const CHECKOUT = join(import.meta.dir, "..");

let system: RunningSystem;

beforeAll(async () => {
  system = await startSystem("demo");
});

afterAll(() => stopAll(system, system?.wallet, system?.history));

async function demo(env: Record<string, string>): Promise<{ code: number; output: string; errors: string }> {
  const child = Bun.spawn([process.execPath, "dev/demo.ts"], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output, errors };
}

function addresses(): Record<string, string> {
  return { WALLET_URL: system.wallet.url, HISTORY_URL: system.history.url };
}

describe("the demo shows what the system does", () => {
  test("everything is as told, each time, down to the invariants in the database", async () => {
    for (const run of [1, 2]) {
      const { code, output, errors } = await demo({ ...addresses(), DATABASE_URL: system.database.url });
      expect([run, errors, code]).toEqual([run, "", 0]);
      expect(output).toContain("✓ all was as told");
      for (const invariant of ["I1", "I2", "I3", "I4", "I5", "I6", "I7"]) expect(output).toContain(`✓ ${invariant} `);
      expect(output).not.toContain("not as told");
      expect(output).not.toContain("\x1b[");
    }
  });

  test("a retry is seen to be replayed, and refusals with their codes", async () => {
    const { output } = await demo(addresses());
    for (const text of ["Idempotency-Replayed: true", "insufficient_funds", "version_mismatch", "nothing moved"]) {
      expect(output).toContain(text);
    }
    expect(output).toContain("not verified: set DATABASE_URL");
  });

  test("the ledger's decisions, its entries and its trial balance", async () => {
    const { output } = await demo(addresses());
    expect(output).toContain("→ 202 SUCCESS\n");
    expect(output).toContain("→ 202 FAILED: account_frozen\n");
    expect(output).toMatch(/│ Ada +│ 10\.0000 │ +│ +55\.0000 │/);
    // What Ben himself has paid before may come to the ledger after it.
    expect(output).toMatch(/│ Ben +│ +│ 10\.0000 │ +(47\.6544|60\.0000) │/);
    expect(output).toMatch(/│ USD │ +([\d.]+) │ +\1 │ +0\.0000 │ +-[\d.]+ │ +0\.0000 │/);
  });

  test("a history that knows nothing of it is found out", async () => {
    const elsewhere = await prepareGround("demo-elsewhere");
    const deaf = await spawnService("history", elsewhere.env);
    try {
      const { code, output } = await demo({ ...addresses(), HISTORY_URL: deaf.url });
      expect(code).toBe(1);
      expect(output).toContain("not as told: Ada: its history was answered 503");
    } finally {
      await stopAll(elsewhere, deaf);
    }
  });

  test("without a running system it says how to start one", async () => {
    const { code, errors } = await demo({ WALLET_PORT: String(await freePort()) });
    expect(code).toBe(1);
    expect(errors).toContain("bun start");
  });
});
