import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { identifyWith, parseApiKeys } from "../shared/http/api-keys.ts";

function run(...words: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "dev/api-key.ts", ...words], {
    cwd: join(import.meta.dir, ".."),
  });
  return { exitCode, output: stdout.toString(), errors: stderr.toString() };
}

describe("bun run api-key", () => {
  test("makes a key, and the entry by which the servers know whose it is", () => {
    const { exitCode, output } = run("shop", "write");
    expect(exitCode).toBe(0);
    const [key = "", entry = ""] = [...output.matchAll(/^ {2}(\S+)$/gm)].map(([, text = ""]) => text);
    expect(key).toMatch(/^dw_[\w-]{43}$/);
    const parsed = parseApiKeys(entry);
    if (!parsed.ok) throw new Error(parsed.expected);
    const request = new Request("http://localhost/", { headers: { authorization: `Bearer ${key}` } });
    expect(identifyWith(parsed.value)(request)).toMatchObject({ name: "shop", role: "write" });
    expect(entry).not.toContain(key);
    expect(run("shop", "write").output).not.toContain(key);
  });

  test.each([[], ["shop"], ["shop", "owner"], ["a shop", "read"], ["x".repeat(41), "read"], ["shop", "read", "x"]])(
    "%p: says how it is used",
    (...words) => {
      const { exitCode, output, errors } = run(...(words as string[]));
      expect([exitCode, output]).toEqual([1, ""]);
      expect(errors).toContain("bun run api-key <name> <role>");
    },
  );
});
