import { join } from "node:path";
import type { AnyElysia } from "elysia";
import { startApps } from "./apps.ts";

/** The names of the documents, without their ending. */
export const SERVICES = ["wallet", "history"] as const;
export type ServiceName = (typeof SERVICES)[number];

/** The file of a service's document; `released` names the release, the present one if left out. */
export function fileOf(service: ServiceName, released?: string): string {
  return join(import.meta.dir, ...(released === undefined ? [] : ["released", released]), `${service}.json`);
}

/**
 * The OpenAPI documents of both services, out of their routes, as a server with API keys and rate limits serves them at
 * `/swagger/json`: JSON text, one line for each member, so that a change shows in its place.
 */
export async function generateDocuments(): Promise<Map<ServiceName, string>> {
  const apps = startApps();
  try {
    const documents = new Map<ServiceName, string>();
    for (const service of SERVICES) documents.set(service, await documentOf(apps[service]));
    return documents;
  } finally {
    await apps.stop();
  }
}

async function documentOf(app: AnyElysia): Promise<string> {
  const answer = await app.handle(new Request("http://localhost/swagger/json"));
  if (!answer.ok) throw new Error(`the description was answered ${answer.status}: ${await answer.text()}`);
  return `${JSON.stringify(await answer.json(), null, 2)}\n`;
}

if (import.meta.main) {
  for (const [service, text] of await generateDocuments()) await Bun.write(fileOf(service), text);
}
