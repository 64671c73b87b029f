import { describe, expect, test } from "bun:test";
import { createAccess } from "./access.ts";

/** A tab's storage, as far as it is used. */
function storage(kept: Record<string, string> = {}): Storage {
  const items = new Map(Object.entries(kept));
  return {
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => void items.set(name, value),
    removeItem: (name: string) => void items.delete(name),
  } as Storage;
}

describe("a key is asked for when a service wants one", () => {
  test("it goes with every request from then on, and is still there when the page is loaded anew", () => {
    const tab = storage();
    const access = createAccess(tab);
    expect(access.headers()).toEqual({});
    access.refused({});
    expect(access.state.get()).toEqual({ key: null, wanted: true });
    access.give("dw_x");
    expect(access.state.get()).toEqual({ key: "dw_x", wanted: false });
    expect(access.headers()).toEqual({ authorization: "Bearer dw_x" });
    expect(createAccess(tab).headers()).toEqual({ authorization: "Bearer dw_x" });
  });

  test("one that is not accepted is asked for again; an answer to an older one says nothing of it", () => {
    const access = createAccess(storage());
    access.give("dw_new");
    for (const late of [{}, { authorization: "Bearer dw_old" }]) access.refused(late);
    expect(access.state.get().wanted).toBe(false);
    access.refused({ authorization: "Bearer dw_new" });
    expect(access.state.get()).toEqual({ key: "dw_new", wanted: true });
  });

  test("one that is forgotten is gone", () => {
    const tab = storage({ "api-key": "dw_x" });
    const access = createAccess(tab);
    access.forget();
    expect([access.headers(), createAccess(tab).headers()]).toEqual([{}, {}]);
  });

  test("a browser that refuses storage has the key until the page is loaded anew", () => {
    const refusing = new Proxy({} as Storage, {
      get: () => () => {
        throw new Error("refused");
      },
    });
    const access = createAccess(refusing);
    access.give("dw_x");
    expect(access.headers()).toEqual({ authorization: "Bearer dw_x" });
  });
});
