import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { STOP_WITHIN_MS } from "./shutdown.ts";

const SCRIPT = join(import.meta.dir, "../test/stopping-process.ts");

interface Ended {
  readonly code: number;
  readonly took_ms: number;
  readonly lines: readonly Record<string, unknown>[];
}

/** Starts the process, sends it the signals one after the other, and tells how it ended. */
async function end(how: string, ...signals: NodeJS.Signals[]): Promise<Ended> {
  const child = Bun.spawn([process.execPath, "--no-env-file", SCRIPT, how], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  const heard = Promise.withResolvers<void>();
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      output += decoder.decode(chunk, { stream: true });
      if (output.includes("ready") || output.includes("fatal")) heard.resolve();
    }
  })();
  await heard.promise;
  const told = performance.now();
  for (const [index, signal] of signals.entries()) {
    // The next one comes when this one has been heard.
    child.kill(signal);
    while (index + 1 < signals.length && !output.includes('"stopping"')) await Bun.sleep(2);
  }
  const code = await child.exited;
  const took_ms = performance.now() - told;
  await read;
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  return { code, took_ms, lines: lines.map((line) => JSON.parse(line)) };
}

const told = ({ lines }: Ended) => lines.map(({ msg, step }) => [msg, step].filter(Boolean).join(" "));

describe("a server that is told to stop ends in order", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("step by step, and with 0, on %s", async (signal) => {
    const ended = await end("in order", signal);
    expect(told(ended)).toEqual(["stopping", "ended one", "ended two", "stopped"]);
    expect(ended.code).toBe(0);
  });

  test("a step that fails holds up no other, and is not kept quiet", async () => {
    const ended = await end("failing", "SIGTERM");
    expect(told(ended)).toEqual(["stopping", "a step of stopping failed failing", "ended two", "stopped"]);
    expect(ended.code).toBe(1);
  });

  test("a step that does not end ends the process within its time, which says where it was", async () => {
    const ended = await end("stuck", "SIGTERM");
    expect(told(ended)).toEqual(["stopping", "ended one", "not stopped within 300 ms stuck"]);
    expect(ended.code).toBe(1);
    expect(STOP_WITHIN_MS).toBeLessThanOrEqual(10_000);
  });

  test("told twice, it ends at once", async () => {
    const ended = await end("stuck for long", "SIGTERM", "SIGINT");
    expect(told(ended)).toEqual(["stopping", "told to stop twice: ended at once stuck"]);
    expect(ended.code).toBe(1);
    expect(ended.took_ms).toBeLessThan(1_000);
  });
});

describe("a process that ends by itself says why, in its last line", () => {
  test.each([
    ["throws", "JSON"],
    ["rejects", "nobody awaits this"],
    ["does not start", "there is no port"],
  ])("one that %s", async (how, reason) => {
    const { code, lines } = await end(how);
    expect(code).toBe(1);
    expect(lines.at(-1)).toMatchObject({ level: "fatal", msg: expect.stringContaining(reason) });
  });
});
