import { createStore, type Store } from "./store.ts";

/**
 * The API key of whoever uses the page, where the services ask for one. It is kept for this tab alone, until it is closed, and
 * goes into a header of requests to the two services: never into an address, a copied command or the log of the browser.
 */
export interface Access {
  readonly state: Store<AccessState>;
  /** Headers of a request. */
  headers(): Readonly<Record<string, string>>;
  /** A service did not let in a request with these headers. */
  refused(sent: Readonly<Record<string, string>>): void;
  give(key: string): void;
  /** Out of the storage; what the page has read with it goes when the page is loaded anew. */
  forget(): void;
}

export interface AccessState {
  readonly key: string | null;
  /** A service wants a key, or another one than this. */
  readonly wanted: boolean;
}

const NAME = "api-key";

/** @param storage of this tab: `sessionStorage` */
export function createAccess(storage: Storage): Access {
  const state = createStore<AccessState>({ key: read(storage), wanted: false });
  const authorization = (key: string) => `Bearer ${key}`;
  return {
    state,
    headers() {
      const { key } = state.get();
      return key === null ? {} : { authorization: authorization(key) };
    },
    refused({ authorization: sent }) {
      // An answer may come when another key has been given meanwhile, of which it says nothing.
      state.set((now) =>
        sent === (now.key === null ? undefined : authorization(now.key)) ? { ...now, wanted: true } : now,
      );
    },
    give(key) {
      keep(() => storage.setItem(NAME, key));
      state.set(() => ({ key, wanted: false }));
    },
    forget() {
      keep(() => storage.removeItem(NAME));
      state.set(() => ({ key: null, wanted: false }));
    },
  };
}

function read(storage: Storage): string | null {
  try {
    return storage.getItem(NAME);
  } catch {
    return null;
  }
}

function keep(write: () => void): void {
  try {
    write();
  } catch {
    // A browser may refuse storage: then the key lasts until the page is loaded anew.
  }
}
