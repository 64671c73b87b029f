import { type HistoryClient, type HistoryEvent, itemsOf } from "../index.ts";

/**
 * The whole history of a wallet, oldest first, page by page. `version` is that of a wallet's answer: the first page waits until the history
 * has come so far, so that what was just done is in it.
 */
export async function statement(history: HistoryClient, id: string, version: number): Promise<HistoryEvent[]> {
  const list = history.wallets({ id }).history;
  const min_version = String(version);
  return Array.fromAsync(itemsOf((page) => list.get({ query: { ...page, order: "asc", limit: "200", min_version } })));
}
