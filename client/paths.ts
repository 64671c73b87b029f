import { EdenFetchError } from "@elysiajs/eden";

/**
 * The same client with two faults of Eden's mended: it puts the parameters of a path into the address as they are, so that a user
 * called `a/b` would be another path; and what `fetch` throws, it wraps into an error of its own that says 503.
 */
export function mended<Client extends object>(client: Client, name = ""): Client {
  return new Proxy(client, {
    get(target, property, receiver) {
      const found: unknown = Reflect.get(target, property, receiver);
      return isFunction(found) ? mended(found, String(property)) : found;
    },
    apply(target, self, given: readonly unknown[]) {
      if (!isFunction(target)) throw new TypeError(`${name} is not a function`);
      if (METHODS.has(name)) return unwrapped(Reflect.apply(target, self, given));
      const below: unknown = Reflect.apply(target, self, given.map(encoded));
      return isFunction(below) ? mended(below) : below;
    },
  });
}

/** Anything else that is called is a part of a path with a parameter: `wallets({ id })`. */
const METHODS: ReadonlySet<string> = new Set(["get", "post"]);

type Callable = (...given: readonly unknown[]) => unknown;

function isFunction(value: unknown): value is Callable {
  return typeof value === "function";
}

function encoded(parameters: unknown): unknown {
  if (typeof parameters !== "object" || parameters === null) return parameters;
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, encodeURIComponent(String(value))]),
  );
}

async function unwrapped(answer: unknown): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof EdenFetchError ? error.value : error;
  }
}
