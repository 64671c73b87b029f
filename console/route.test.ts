import { describe, expect, test } from "bun:test";
import { hrefOf, parseRoute, type Route } from "./route.ts";

const ID = "01890000-0000-7000-8000-000000000001";

describe("the address of a view leads back to it", () => {
  const routes: Route[] = [
    { view: "people", user: null },
    { view: "people", user: "a/b ?#%ü" },
    { view: "wallet", id: ID, at: null },
    { view: "wallet", id: ID, at: "2026-01-31T12:00:00.123456Z" },
    { view: "move" },
    { view: "saga", id: ID },
    { view: "live", movement: null },
    { view: "live", movement: ID },
    { view: "ledger" },
    { view: "account", id: "external:USD" },
    { view: "movement", id: ID },
    { view: "system" },
  ];
  test.each(routes.map((route) => [hrefOf(route), route] as const))("%s", (href, route) => {
    expect(parseRoute(href)).toEqual(route);
  });

  test("what nobody made is an unknown view, or the start", () => {
    expect(parseRoute("#/nonsense")).toEqual({ view: "unknown" });
    expect(parseRoute("#/ledger/accounts")).toEqual({ view: "unknown" });
    expect(parseRoute("")).toEqual({ view: "people", user: null });
    expect(parseRoute("#/users/%")).toEqual({ view: "people", user: "%" });
  });
});
