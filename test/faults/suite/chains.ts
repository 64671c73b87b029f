/** Each wallet's events as one chain: versions without a hole, and each balance the one before and the amount. */
import type { Happened } from "./events.ts";

/** A wallet as it was after one of its events; amounts in ten-thousandths. */
export interface State {
  readonly balance: bigint;
  readonly held: bigint;
  readonly frozen: boolean;
}

/** The wallet's state after each version. */
export type Chains = ReadonlyMap<string, readonly State[]>;

const OPENED: State = { balance: 0n, held: 0n, frozen: false };

export function units(amount: string): bigint {
  return BigInt(amount.replace(".", ""));
}

/** @param events wallet by wallet, in the order of their versions */
export function chainsOf(events: readonly Happened[], wrong: (what: string) => void): Chains {
  const chains = new Map<string, State[]>();
  for (const event of events) {
    const { wallet_id, version, type } = event;
    const chain = chains.get(wallet_id) ?? [];
    if (version !== chain.length + 1)
      wrong(`version ${version} of ${wallet_id} comes ${chain.length + 1}th in its history`);
    const state = after(chain.at(-1) ?? OPENED, event);
    if (units(event.balance_after) !== state.balance || units(event.held_after) !== state.held)
      wrong(
        `${type} ${version} of ${wallet_id} says ${event.balance_after} and ${event.held_after} held, not ${told(state)}`,
      );
    chain.push(state);
    chains.set(wallet_id, chain);
  }
  return chains;
}

function told({ balance, held }: State): string {
  return `${balance} and ${held} ten-thousandths`;
}

function after({ balance, held, frozen }: State, { type, amount, settled }: Happened): State {
  const by = units(amount);
  switch (type) {
    case "WALLET_FUNDED":
    case "TRANSFER_IN":
      return { balance: balance + by, held, frozen };
    case "WALLET_WITHDRAWN":
      return { balance: balance - by, held, frozen };
    case "TRANSFER_OUT":
      return { balance: balance - by, held: settled ? held - by : held, frozen };
    case "WALLET_RESERVED":
      return { balance, held: held + by, frozen };
    case "RESERVATION_RELEASED":
      return { balance, held: held - by, frozen };
    case "WALLET_FROZEN":
      return { balance, held, frozen: true };
    case "WALLET_UNFROZEN":
      return { balance, held, frozen: false };
    default:
      return { balance, held, frozen };
  }
}
