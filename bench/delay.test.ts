import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { expectInvariants, startSystem, stopAll } from "../test/end-to-end/system.ts";

const CHECKOUT = join(import.meta.dir, "..");

async function measure(
  what: "delay" | "saga-delay",
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, `bench/${what}.ts`, ...args], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: output + errors };
}

// How long it takes is for a quiet machine to say; here, that each transfer is measured to its end.
describe("the measurement of a delay is complete", () => {
  test("every transfer is followed until both of its events are in the history", async () => {
    const system = await startSystem("delay");
    try {
      const addresses = { WALLET_URL: system.wallet.url, HISTORY_URL: system.history.url };
      const { output } = await measure("delay", ["--transfers", "60", "--rate", "100"], addresses);
      expect(output).toContain("60 transfers, 100 started in a second, 100 wallets");
      expect(output).not.toContain("failed");
      expect(output).toMatch(/p99 from the answer: [\d.]+ ms/);
      await expectInvariants(system);
    } finally {
      await stopAll(system, system.wallet, system.history);
    }
  });

  test("every saga is followed to its final state", async () => {
    const system = await startSystem("saga-delay");
    try {
      const addresses = { WALLET_URL: system.wallet.url, HISTORY_URL: system.history.url };
      const { output } = await measure("saga-delay", ["--sagas", "40", "--rate", "20"], addresses);
      expect(output).toContain("40 sagas, 20 started in a second, 50 wallets");
      expect(output).not.toContain("failed");
      expect(output).toMatch(/p50: [\d.]+ ms, the goal is below 100 ms\n. p99: [\d.]+ ms/);
      await expectInvariants(system);
    } finally {
      await stopAll(system, system.wallet, system.history);
    }
  });

  test("an option that makes no sense is refused", async () => {
    expect((await measure("delay", ["--transfers", "some"], {})).code).toBe(2);
  });
});
