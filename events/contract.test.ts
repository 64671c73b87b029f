import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import { EVENT_TYPES, eventFault } from "../shared/events.ts";
import { CATALOGUE, generateFiles, withExamples } from "./generate.ts";

const committed = (name: string) => Bun.file(join(import.meta.dir, name)).text();

describe("the event contract changes only on purpose", () => {
  test("the committed schemas and examples are those of shared/events.ts (else run bun events/generate.ts)", async () => {
    const generated = generateFiles();
    expect(
      readdirSync(import.meta.dir)
        .filter((name) => name.endsWith(".json"))
        .sort(),
    ).toEqual([...generated.keys()].sort());
    for (const [name, text] of generated) expect(await committed(name)).toBe(text);
  });

  test.each([...EVENT_TYPES])("the example of %s follows its schema, by another validator too", async (type) => {
    const schema = JSON.parse(await committed(`${type}.schema.json`));
    const example = JSON.parse(await committed(`${type}.example.json`));
    const validate = new Ajv2020({ strict: true }).compile(schema);
    expect(validate(example)).toBe(true);
    expect(eventFault(example)).toBeUndefined();
    for (const name of Object.keys(example)) {
      const { [name]: _, ...rest } = example;
      expect(validate(rest)).toBe(false);
      expect(eventFault({ ...rest, type: rest.type ?? "" })).toBeDefined();
    }
  });

  test("docs/events.md has a section for each type, with the example and the schema (else run bun events/generate.ts)", async () => {
    const page = await Bun.file(CATALOGUE).text();
    const { text, types } = withExamples(page, generateFiles());
    expect(types).toEqual([...EVENT_TYPES]);
    expect(page).toBe(text);
    for (const type of EVENT_TYPES) expect(page).toContain(`(../events/${type}.schema.json)`);
  });
});
