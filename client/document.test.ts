import { expect, test } from "bun:test";
import { join } from "node:path";

const FOLDER = import.meta.dir;

test("what docs/client.md shows is code of the examples, which other tests run", async () => {
  const page = await Bun.file(join(FOLDER, "../docs/client.md")).text();
  const names = await Array.fromAsync(new Bun.Glob("examples/*.ts").scan({ cwd: FOLDER }));
  const examples = await Promise.all(names.map((name) => Bun.file(join(FOLDER, name)).text()));
  const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
  expect(shown.length).toBeGreaterThan(4);
  expect(shown.filter((code) => !examples.some((example) => example.includes(code)))).toEqual([]);
});
