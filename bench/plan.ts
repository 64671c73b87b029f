/** How long and how much is measured: the quick mode for a look, the full one for figures to quote. */

export const PARTS = [
  "http",
  "baselines",
  "open",
  "end-to-end",
  "drain",
  "reads",
  "fairness",
  "overload",
  "growth",
] as const;
export type Part = (typeof PARTS)[number];

export interface Plan {
  readonly mode: "quick" | "full";
  readonly parts: readonly Part[];
  /** Of each measurement, whole seconds. */
  readonly seconds: number;
  /** Before each measurement, with the same load. */
  readonly warm_s: number;
  /** How often the baselines are measured, the system between them. */
  readonly rounds: number;
  /** Whether baselines are measured whose clients go on for long after a load: 256 of them, ten and fewer in a second. */
  readonly slow_baselines: boolean;
  /** Connections to the database that a baseline is tried with; its best counts. */
  readonly pools: readonly number[];
  /** Connections of the closed loop on uniform wallets; the last is where everything else is measured. */
  readonly connections: readonly number[];
  /** Of each open loop, and the rates as shares of the maximum. */
  readonly open_s: number;
  readonly open_shares: readonly number[];
  /** Rates that are tried to find the highest at which the history keeps up, and how long each. */
  readonly end_to_end: { readonly tries: number; readonly seconds: number };
  readonly drain_transfers: number;
  readonly overload_s: number;
  /** Sizes at which the load is repeated; the first is what the others are compared with. */
  readonly growth: readonly Size[];
  /** Databases that have grown already, measured in place of those that would be filled with a past; kept. */
  readonly past: readonly string[];
}

export interface Size {
  readonly wallets: number;
  /** Past transfers, by `bench/fill.ts`. */
  readonly transfers: number;
}

const QUICK: Plan = {
  mode: "quick",
  // What takes longest, and tells least of a change.
  parts: PARTS.filter((part) => !["reads", "fairness", "growth"].includes(part)),
  seconds: 1,
  warm_s: 1,
  rounds: 1,
  slow_baselines: false,
  pools: [16],
  connections: [256],
  open_s: 2,
  open_shares: [0.5, 0.9],
  end_to_end: { tries: 2, seconds: 3 },
  drain_transfers: 10_000,
  overload_s: 4,
  growth: [
    { wallets: 1_000, transfers: 0 },
    { wallets: 10_000, transfers: 10_000 },
  ],
  past: [],
};

const FULL: Plan = {
  mode: "full",
  parts: PARTS,
  seconds: 5,
  warm_s: 2,
  rounds: 3,
  slow_baselines: true,
  pools: [4, 8, 16, 32],
  connections: [1, 8, 64, 256],
  open_s: 20,
  open_shares: [0.25, 0.5, 0.75, 0.9],
  end_to_end: { tries: 8, seconds: 20 },
  drain_transfers: 500_000,
  overload_s: 60,
  growth: [
    { wallets: 1_000, transfers: 0 },
    { wallets: 100_000, transfers: 0 },
    { wallets: 1_000_000, transfers: 0 },
    { wallets: 1_000, transfers: 1_000_000 },
    { wallets: 1_000, transfers: 5_000_000 },
  ],
  past: [],
};

export interface Asked {
  readonly full: boolean;
  /** Empty for all. */
  readonly only: readonly Part[];
  readonly seconds: number | undefined;
  readonly past?: readonly string[];
}

export function planFor({ full, only, seconds, past = [] }: Asked): Plan {
  const plan = full ? FULL : QUICK;
  return {
    ...plan,
    past,
    parts: only.length > 0 ? PARTS.filter((part) => only.includes(part)) : plan.parts,
    ...(seconds !== undefined && { seconds, open_s: seconds, end_to_end: { ...plan.end_to_end, seconds } }),
  };
}

export function isPart(name: string): name is Part {
  return PARTS.some((part) => part === name);
}
