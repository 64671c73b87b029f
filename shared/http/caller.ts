import type { Client } from "./api-keys.ts";

/** Whose request it is, noted where that is found out and read where it matters; a note lives as long as its request. */
const CLIENTS = new WeakMap<Request, Client>();

/** Notes the client of a request. */
export function noteClient(request: Request, client: Client): void {
  CLIENTS.set(request, client);
}

/** The client of a request; undefined where API keys are off. */
export function clientOf(request: Request): Client | undefined {
  return CLIENTS.get(request);
}
