import { expect, test } from "bun:test";
import { join } from "node:path";

/** The client as others would bundle it, with Eden left outside. */
const BUNDLE_MAX_BYTES = 12_000;

test("a client carries nothing of the servers but their types", async () => {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "index.ts")],
    target: "browser",
    external: ["@elysiajs/eden"],
  });
  const code = (await outputs[0]?.text()) ?? "";
  const imported = [...code.matchAll(/from "([^"]+)"/g)].map(([, name]) => name);
  expect(new Set(imported)).toEqual(new Set(["@elysiajs/eden"]));
  expect(code.length).toBeLessThan(BUNDLE_MAX_BYTES);
});
