import { describe, expect, test } from "bun:test";
import { join } from "node:path";

describe("the page takes types of the services, and nothing that runs", () => {
  const IMPORT = /^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gm;

  test("so that no code of a server is sent to a browser", async () => {
    const paths = await Array.fromAsync(new Bun.Glob("**/*.{ts,tsx}").scan({ cwd: import.meta.dir }));
    const sources = paths.filter((path) => !path.includes(".test."));
    expect(sources.length).toBeGreaterThan(40);
    const strays: string[] = [];
    let types = 0;
    for (const path of sources) {
      const text = await Bun.file(join(import.meta.dir, path)).text();
      for (const [, isType, from = ""] of text.matchAll(IMPORT)) {
        const leavesThePage = from.startsWith(".") && !join("/console", path, "..", from).startsWith("/console/");
        if (!leavesThePage) continue;
        if (isType === undefined) strays.push(`${path} → ${from}`);
        else types += 1;
      }
    }
    expect(strays).toEqual([]);
    expect(types).toBeGreaterThan(4);
  });
});
