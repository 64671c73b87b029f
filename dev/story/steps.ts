/** The story: what each does, and what is to come of it. A chapter is a list of steps; more chapters can follow. */
import type { Call } from "./call.ts";

export const CAST = ["Ada", "Ben", "Cleo"] as const;
export type Name = (typeof CAST)[number];

/** What the steps so far have made. */
export interface Scene {
  /** Path of a person's wallet. */
  path(name: Name): string;
  id(name: Name): string;
  /** The wallet's version as of the last look. */
  version(name: Name): number;
  /** An Idempotency-Key that this run alone uses, the same for the same word. */
  key(word: string): string;
}

export interface Step {
  readonly says: string;
  readonly call: (scene: Scene) => Call;
  /** Who is asked: the wallet service unless it says otherwise. */
  readonly asks?: "history";
  /** Whose wallet the answer is. */
  readonly opens?: Name;
  /** What is to come of it. */
  readonly told: {
    readonly status: number;
    /** Of a problem. */
    readonly code?: string;
    /** Of a transfer in which the ledger decides: its final state, and why it failed. */
    readonly saga?: { readonly status: "SUCCESS" | "FAILED"; readonly failure_code?: string };
    /** The stored answer, byte for byte that of the step before. */
    readonly replayed?: boolean;
    /** What each balance changes by; nothing for who is not named. */
    readonly moves: Readonly<Partial<Record<Name, string>>>;
  };
}

const NOTHING = {};

const opening = (name: Name): Step => ({
  says: `${name} opens a wallet`,
  call: () => ({ method: "POST", path: "/wallets", body: { user_id: name.toLowerCase() } }),
  opens: name,
  told: { status: 201, moves: NOTHING },
});

const funding = (name: Name, amount: string): Step => ({
  says: `${name} funds it with ${amount}`,
  call: (scene) => ({ method: "POST", path: `${scene.path(name)}/fund`, body: { amount, reference: "salary" } }),
  told: { status: 201, moves: { [name]: amount } },
});

const dinner = (scene: Scene, amount: string): Call => ({
  method: "POST",
  path: `${scene.path("Ada")}/transfer`,
  headers: { "Idempotency-Key": scene.key("dinner") },
  body: { to_wallet_id: scene.id("Ben"), amount, description: "Dinner" },
});

const thanks = (scene: Scene, version: number): Call => ({
  method: "POST",
  path: `${scene.path("Ada")}/transfer`,
  headers: { "If-Match": `"${version}"` },
  body: { to_wallet_id: scene.id("Cleo"), amount: "5", description: "Thanks" },
});

/** Wallets and direct transfers. */
export const TRANSFERS: readonly Step[] = [
  ...CAST.map(opening),
  funding("Ada", "100.00"),
  funding("Ben", "20.00"),
  {
    says: "Ada pays Ben 30.00 for dinner, under an Idempotency-Key",
    call: (scene) => dinner(scene, "30.00"),
    told: { status: 201, moves: { Ada: "-30", Ben: "30" } },
  },
  {
    says: "Ada's telephone lost the answer and asks again: the same answer, and no second payment",
    call: (scene) => dinner(scene, "30.00"),
    told: { status: 201, replayed: true, moves: NOTHING },
  },
  {
    says: "The same key with another amount is refused: a key names one attempt",
    call: (scene) => dinner(scene, "31.00"),
    told: { status: 422, code: "idempotency_key_reused", moves: NOTHING },
  },
  {
    says: "Ben pays Cleo 12.3456: amounts have four decimals, none is rounded away",
    call: (scene) => ({
      method: "POST",
      path: `${scene.path("Ben")}/transfer`,
      body: { to_wallet_id: scene.id("Cleo"), amount: "12.3456", reference: "INV-7" },
    }),
    told: { status: 201, moves: { Ben: "-12.3456", Cleo: "12.3456" } },
  },
  {
    says: "Cleo tries to pay Ada 500.00 and has not enough: nothing moves, the attempt is on record",
    call: (scene) => ({
      method: "POST",
      path: `${scene.path("Cleo")}/transfer`,
      body: { to_wallet_id: scene.id("Ada"), amount: "500.00" },
    }),
    told: { status: 422, code: "insufficient_funds", moves: NOTHING },
  },
  {
    says: "Ada decides on what she saw before dinner (If-Match with an old version): refused",
    call: (scene) => thanks(scene, scene.version("Ada") - 1),
    told: { status: 412, code: "version_mismatch", moves: NOTHING },
  },
  {
    says: "Ada looks again and decides on what is: accepted",
    call: (scene) => thanks(scene, scene.version("Ada")),
    told: { status: 201, moves: { Ada: "-5", Cleo: "5" } },
  },
  {
    says: "Cleo withdraws 7.3456",
    call: (scene) => ({ method: "POST", path: `${scene.path("Cleo")}/withdraw`, body: { amount: "7.3456" } }),
    told: { status: 201, moves: { Cleo: "-7.3456" } },
  },
];

const saga = (scene: Scene, word: string, amount: string): Call => ({
  method: "POST",
  path: "/transactions",
  headers: { Prefer: "wait=5" },
  body: {
    sender_wallet_id: scene.id("Ada"),
    receiver_wallet_id: scene.id("Ben"),
    amount,
    idempotency_key: scene.key(word),
    description: "Concert",
  },
});

const account = (scene: Scene, name: Name): string => `/ledger/accounts/${scene.id(name)}`;

/** Transfers in which the ledger decides. */
export const SAGAS: readonly Step[] = [
  {
    says: "The history service keeps a double-entry ledger, with an account for each wallet: this is Ben's",
    asks: "history",
    call: (scene) => ({ method: "GET", path: account(scene, "Ben") }),
    told: { status: 200, moves: NOTHING },
  },
  {
    says: "Ada pays Ben 10.00 by a saga: the amount is held, the ledger posts it, the hold becomes a transfer",
    call: (scene) => saga(scene, "concert", "10.00"),
    told: { status: 202, saga: { status: "SUCCESS" }, moves: { Ada: "-10", Ben: "10" } },
  },
  {
    says: "Ben's account in the ledger is frozen; his wallet is not",
    asks: "history",
    call: (scene) => ({ method: "POST", path: `${account(scene, "Ben")}/freeze` }),
    told: { status: 200, moves: NOTHING },
  },
  {
    says: "Ada pays Ben 4.00 more: the ledger refuses, and Ada's hold ends",
    call: (scene) => saga(scene, "drinks", "4.00"),
    told: { status: 202, saga: { status: "FAILED", failure_code: "account_frozen" }, moves: NOTHING },
  },
  {
    says: "Ben's account is unfrozen; what was refused stays refused",
    asks: "history",
    call: (scene) => ({ method: "POST", path: `${account(scene, "Ben")}/unfreeze` }),
    told: { status: 200, moves: NOTHING },
  },
];
