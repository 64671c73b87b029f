import { describe, expect, test } from "bun:test";
import type { AnyElysia, TSchema } from "elysia";
import { startApps } from "../openapi/apps.ts";
import { DESCRIPTION, type RouteDescription } from "../shared/http/describe.ts";
import { HISTORY_ANSWERS, WALLET_ANSWERS } from "./schemas.ts";

const NOT_MODIFIED = 304;

/** What the routes of an app say of their answers, in the form of the table. */
function described({ routes }: AnyElysia): Record<string, Record<number, TSchema | null>> {
  const operations = routes.flatMap(({ method, path, hooks }) => {
    const about: RouteDescription | undefined = hooks.detail?.[DESCRIPTION];
    if (about === undefined) return [];
    const { status = 200, answer, requestHeaders = [] } = about;
    const conditional = requestHeaders.includes("If-None-Match") ? { [NOT_MODIFIED]: null } : {};
    return [[`${method} ${path}`, { [status]: answer, ...conditional }]];
  });
  return Object.fromEntries(operations);
}

/** Schemas without what JSON does not show. */
const plain = (table: object): unknown => JSON.parse(JSON.stringify(table));

describe("the client's types are those of the API description", () => {
  const apps = startApps();

  test("of the wallet service: every operation, with its statuses and schemas", () => {
    expect(plain(WALLET_ANSWERS)).toEqual(plain(described(apps.wallet)));
  });

  test("of the history service: every operation, with its statuses and schemas", async () => {
    expect(plain(HISTORY_ANSWERS)).toEqual(plain(described(apps.history)));
    await apps.stop();
  });
});
