import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { expectInvariants, startSystem, stopAll } from "../test/end-to-end/system.ts";

const CHECKOUT = join(import.meta.dir, "..");

async function delay(args: string[], env: Record<string, string>): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, "bench/delay.ts", ...args], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: output + errors };
}

// How long it takes is for a quiet machine to say; here, that each transfer is measured to its end.
describe("the measurement of the delay is complete", () => {
  test("every transfer is followed until both of its events are in the history", async () => {
    const system = await startSystem("delay");
    try {
      const addresses = { WALLET_URL: system.wallet.url, HISTORY_URL: system.history.url };
      const { output } = await delay(["--transfers", "60", "--rate", "100"], addresses);
      expect(output).toContain("60 transfers, 100 started in a second, 100 wallets");
      expect(output).not.toContain("failed");
      expect(output).toMatch(/p99 from the answer: [\d.]+ ms/);
      await expectInvariants(system);
    } finally {
      await stopAll(system, system.wallet, system.history);
    }
  });

  test("an option that makes no sense is refused", async () => {
    expect((await delay(["--transfers", "some"], {})).code).toBe(2);
  });
});
