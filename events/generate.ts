import { join } from "node:path";
import { EVENT_TYPES, eventSchema, isLedgerType } from "../shared/events.ts";
import { exampleOf } from "./examples.ts";

/** The page of all types, with the example of each. */
export const CATALOGUE = join(import.meta.dir, "../docs/events.md");

/** The page with the examples of now; `types` are its sections that have one. */
export function withExamples(markdown: string, files: ReadonlyMap<string, string>): { text: string; types: string[] } {
  const types: string[] = [];
  const text = markdown.replaceAll(/^(## ([A-Z_]+)\n.*?^```json\n).*?^```$/gms, (_, head: string, type: string) => {
    types.push(type);
    return `${head}${files.get(`${type}.example.json`) ?? ""}\`\`\``;
  });
  return { text, types };
}

/** The contract as files: for each type a JSON Schema and an example of the message's value. `bun events/generate.ts` writes them. */
export function generateFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const type of EVENT_TYPES) {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: `urn:wallet:event:${type}`,
      description: `Value of a message on ${isLedgerType(type) ? "ledger-events" : "wallet-events"}; headers are those of CloudEvents 1.0 in binary mode`,
      ...eventSchema(type),
    };
    files.set(`${type}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`);
    const example = exampleOf(type);
    const ordered = Object.fromEntries(
      Object.keys(eventSchema(type).properties).map((name) => [name, Object(example)[name]]),
    );
    files.set(`${type}.example.json`, `${JSON.stringify(ordered, null, 2)}\n`);
  }
  return files;
}

if (import.meta.main) {
  const files = generateFiles();
  for (const [name, text] of files) await Bun.write(join(import.meta.dir, name), text);
  await Bun.write(CATALOGUE, withExamples(await Bun.file(CATALOGUE).text(), files).text);
}
