import { useEffect, useState } from "preact/hooks";
import { call, type Service } from "./service.ts";
import type { Wallet } from "./wire.ts";

/** Whose a wallet is, so that people are shown and not ids. A wallet never changes hands. */
export interface Names {
  /** The user, or undefined while that is not known. */
  known(wallet_id: string): string | undefined;
  learn(wallets: readonly Pick<Wallet, "id" | "user_id">[]): void;
  /** Null where it cannot be found out now. */
  ask(wallet_id: string): Promise<string | null>;
}

export function createNames(wallet: Service): Names {
  const users = new Map<string, string>();
  const asked = new Map<string, Promise<string | null>>();
  const find = async (id: string): Promise<string | null> => {
    const found = await call<Wallet>(wallet, { method: "GET", path: `/wallets/${id}` });
    asked.delete(id);
    if (!found.ok) return null;
    users.set(id, found.value.user_id);
    return found.value.user_id;
  };
  return {
    known: (id) => users.get(id),
    learn(wallets) {
      for (const { id, user_id } of wallets) users.set(id, user_id);
    },
    async ask(id) {
      // An account of the ledger that is no wallet has a name of its own.
      if (id.includes(":")) return null;
      const user = users.get(id);
      if (user !== undefined) return user;
      const answer = asked.get(id) ?? find(id);
      asked.set(id, answer);
      return answer;
    },
  };
}

/** The user of a wallet, as soon as it is known. */
export function useName(names: Names, wallet_id: string): string | undefined {
  const [, setName] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    void names.ask(wallet_id).then((name) => {
      if (!gone) setName(name);
    });
    return () => {
      gone = true;
    };
  }, [names, wallet_id]);
  return names.known(wallet_id);
}
