/** What has happened, as the history tells it: every event, and whose doing it was. */
import type postgres from "postgres";

export interface Happened {
  readonly wallet_id: string;
  readonly version: number;
  readonly type: string;
  readonly amount: string;
  readonly transaction_id: string | null;
  readonly transfer_id: string | null;
  /** Whether the event is one of a saga that the ledger had posted before. */
  readonly settled: boolean;
  readonly balance_after: string;
  readonly held_after: string;
}

export interface Saga {
  readonly id: string;
  readonly status: string;
  readonly amount: string;
}

/** All events, wallet by wallet in the order of their versions. */
export function readEvents(sql: postgres.Sql): Promise<Happened[]> {
  return sql<Happened[]>`
    select wallet_id, wallet_version::int as version, event_type as type, amount::text, transaction_id,
           event_data ->> 'transfer_id' as transfer_id, event_data ->> 'posting' = 'NONE' as settled,
           event_data ->> 'balance_after' as balance_after, event_data ->> 'held_after' as held_after
      from history.transaction_events order by wallet_id, wallet_version`;
}

export function readSagas(sql: postgres.Sql): Promise<Saga[]> {
  return sql<Saga[]>`select id, status, amount::text from wallet.transfer_sagas`;
}

/** The effect that the event is; undefined for what says nothing of money: two freezes may be one event. */
export function effectOf({ type, settled, ...event }: Happened): string | undefined {
  const { wallet_id, transaction_id, transfer_id, amount } = event;
  switch (type) {
    case "WALLET_CREATED":
      return `opened ${wallet_id}`;
    case "WALLET_FUNDED":
      return `funded ${transaction_id} ${amount}`;
    case "WALLET_WITHDRAWN":
      return `withdrawn ${transaction_id} ${amount}`;
    case "TRANSFER_OUT":
      return `${settled ? "settled" : "sent"} ${transfer_id} ${amount}`;
    case "TRANSFER_IN":
      return `${settled ? "settlement received" : "received"} ${transfer_id} ${amount}`;
    case "WALLET_RESERVED":
      return `reserved ${transfer_id} ${amount}`;
    case "RESERVATION_RELEASED":
      return `released ${transfer_id} ${amount}`;
    case "TRANSFER_FAILED":
      return `failed ${transfer_id ?? transaction_id}`;
    default:
      return undefined;
  }
}

/** What the ledger's decision has made of a saga whose amount was held. */
export function effectsOfSaga({ id, status, amount }: Saga): string[] {
  if (status === "SUCCESS") return [`settled ${id} ${amount}`, `settlement received ${id} ${amount}`];
  return [`released ${id} ${amount}`];
}
