import type { HistoryEvent } from "../api/wire.ts";
import type { IconName } from "../parts/icons.tsx";

/** How each type of event is told to a person. */
export interface EventKind {
  readonly title: string;
  readonly icon: IconName;
  /** What it does to the balance; null: nothing. */
  readonly sign: "+" | "−" | null;
  readonly tone: "in" | "out" | "hold" | "plain" | "bad";
  /** The word before the other wallet. */
  readonly towards: "from" | "to" | null;
}

export const EVENT_KINDS: Record<HistoryEvent["event_type"], EventKind> = {
  WALLET_CREATED: { title: "Opened", icon: "star", sign: null, tone: "plain", towards: null },
  WALLET_FUNDED: { title: "Funded", icon: "plus", sign: "+", tone: "in", towards: null },
  WALLET_WITHDRAWN: { title: "Withdrawn", icon: "minus", sign: "−", tone: "out", towards: null },
  TRANSFER_OUT: { title: "Paid", icon: "out", sign: "−", tone: "out", towards: "to" },
  TRANSFER_IN: { title: "Received", icon: "in", sign: "+", tone: "in", towards: "from" },
  TRANSFER_FAILED: { title: "Refused", icon: "cross", sign: null, tone: "bad", towards: "to" },
  WALLET_RESERVED: { title: "Held", icon: "hold", sign: null, tone: "hold", towards: "to" },
  RESERVATION_RELEASED: { title: "Hold released", icon: "release", sign: null, tone: "hold", towards: "to" },
  WALLET_FROZEN: { title: "Frozen", icon: "lock", sign: null, tone: "hold", towards: null },
  WALLET_UNFROZEN: { title: "Unfrozen", icon: "unlock", sign: null, tone: "plain", towards: null },
};
