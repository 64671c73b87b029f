import { createStore, type Store } from "./api/store.ts";

/** Which view is shown: the part of the address behind `#`, so that every view can be shared as a link. */
export type Route =
  | { readonly view: "people"; readonly user: string | null }
  | { readonly view: "wallet"; readonly id: string; readonly at: string | null }
  | { readonly view: "move" }
  | { readonly view: "saga"; readonly id: string }
  | { readonly view: "live"; readonly movement: string | null }
  | { readonly view: "ledger" }
  | { readonly view: "account"; readonly id: string }
  | { readonly view: "movement"; readonly id: string }
  | { readonly view: "system" }
  | { readonly view: "unknown" };

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?");
  const [first = "", second, third] = path.split("/").filter(Boolean).map(decoded);
  switch (first) {
    case "":
      return { view: "people", user: null };
    case "users":
      return { view: "people", user: second ?? null };
    case "wallets":
      return second === undefined
        ? { view: "people", user: null }
        : { view: "wallet", id: second.toLowerCase(), at: new URLSearchParams(query).get("at") };
    case "move":
      return { view: "move" };
    case "sagas":
      return second === undefined ? { view: "move" } : { view: "saga", id: second.toLowerCase() };
    case "live":
      return { view: "live", movement: second ?? null };
    case "ledger":
      return ledgerRoute(second, third);
    case "system":
      return { view: "system" };
    default:
      return { view: "unknown" };
  }
}

function ledgerRoute(kind: string | undefined, id: string | undefined): Route {
  if (kind === undefined) return { view: "ledger" };
  if (kind === "accounts" && id !== undefined) return { view: "account", id };
  if (kind === "transactions" && id !== undefined) return { view: "movement", id: id.toLowerCase() };
  return { view: "unknown" };
}

/** The address of a view, for a link. */
export function hrefOf(route: Route): string {
  const part = encodeURIComponent;
  switch (route.view) {
    case "people":
      return route.user === null ? "#/" : `#/users/${part(route.user)}`;
    case "wallet":
      return `#/wallets/${part(route.id)}${route.at === null ? "" : `?at=${part(route.at)}`}`;
    case "saga":
      return `#/sagas/${part(route.id)}`;
    case "live":
      return route.movement === null ? "#/live" : `#/live/${part(route.movement)}`;
    case "account":
      return `#/ledger/accounts/${part(route.id)}`;
    case "movement":
      return `#/ledger/transactions/${part(route.id)}`;
    case "unknown":
      return "#/";
    case "move":
    case "ledger":
    case "system":
      return `#/${route.view}`;
  }
}

/** A person may have typed the address. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface Router {
  readonly route: Store<Route>;
  go(route: Route): void;
  /** The same view with other details: no step for the browser's Back button. */
  adjust(route: Route): void;
}

export function createRouter(page: Window): Router {
  const route = createStore(parseRoute(page.location.hash));
  page.addEventListener("hashchange", () => route.set(() => parseRoute(page.location.hash)));
  return {
    route,
    go(next) {
      page.location.hash = hrefOf(next);
    },
    adjust(next) {
      page.history.replaceState(null, "", hrefOf(next));
      route.set(() => next);
    },
  };
}
