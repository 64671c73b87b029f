import { type FollowOptions, follow, type HistoryClient, type LiveEvent } from "../index.ts";

/**
 * Live events of a wallet until it has come to a version. The `id` of the last one is where to go on after a restart: given as `after`, nothing
 * in between is missed.
 */
export async function followAWallet(
  history: HistoryClient,
  untilVersion: number,
  options: FollowOptions & { readonly wallet_id: string },
): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  for await (const event of follow(history, options)) {
    events.push(event);
    if (event.data.wallet_version >= untilVersion) break;
  }
  return events;
}
