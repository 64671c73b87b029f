import { useEffect, useState } from "preact/hooks";

/** A value that parts of the page share, and are told of when it changes. */
export interface Store<T> {
  get(): T;
  set(change: (old: T) => T): void;
  /** @returns how to end it */
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(change) {
      const next = change(value);
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The store's value; the component is drawn anew when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(() => store.get());
  useEffect(() => {
    const take = () => setValue(() => store.get());
    // It may have changed between the drawing and this effect.
    take();
    return store.subscribe(take);
  }, [store]);
  return value;
}
