import { createStore, type Store } from "../api/store.ts";

/** Whose wallets were looked at, newest first; kept in the browser, since the API has no list of people. */
export interface RecentPeople {
  readonly users: Store<readonly string[]>;
  add(user: string): void;
}

const KEY = "recent-people";
const KEPT = 6;
/** The example wallets of a system that was just started. */
const AT_FIRST = ["alice", "bob"];

export function createRecentPeople(storage: Storage): RecentPeople {
  const users = createStore<readonly string[]>(read(storage));
  return {
    users,
    add(user) {
      users.set((old) => (old[0] === user ? old : [user, ...old.filter((each) => each !== user)].slice(0, KEPT)));
      write(storage, users.get());
    },
  };
}

/** A browser may refuse storage, and somebody may have written anything into it. */
function read(storage: Storage): readonly string[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "null");
    if (Array.isArray(kept) && kept.every((each) => typeof each === "string") && kept.length > 0) return kept;
  } catch {
    return AT_FIRST;
  }
  return AT_FIRST;
}

function write(storage: Storage, users: readonly string[]): void {
  try {
    storage.setItem(KEY, JSON.stringify(users));
  } catch {
    // Not remembered, then.
  }
}
