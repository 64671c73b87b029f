import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { breakingChanges } from "./compare.ts";
import { fileOf, generateDocuments, SERVICES } from "./generate.ts";

const generated = await generateDocuments();

/** The releases, oldest first. */
const released = readdirSync(join(import.meta.dir, "released")).toSorted((a, b) => Bun.semver.order(a, b));

describe.each([...SERVICES])("the API of the %s service changes only on purpose", (service) => {
  test("the committed document is that of the routes (else: bun run describe:api)", async () => {
    expect(await Bun.file(fileOf(service)).json()).toEqual(JSON.parse(generated.get(service) ?? ""));
  });

  test("it breaks no client of the last release", async () => {
    const last = released.at(-1);
    if (last === undefined) throw new Error("no release is kept in openapi/released");
    const promised = await Bun.file(fileOf(service, last)).json();
    expect(breakingChanges(promised, await Bun.file(fileOf(service)).json())).toEqual([]);
  });
});
