import { join } from "node:path";
import { EVENT_TYPES, eventSchema, isLedgerType } from "../shared/events.ts";
import { exampleOf } from "./examples.ts";

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
  for (const [name, text] of generateFiles()) await Bun.write(join(import.meta.dir, name), text);
}
