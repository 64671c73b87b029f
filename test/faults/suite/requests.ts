/** What clients ask for: every operation there is, drawn at random. */
import type { Random } from "../../workload.ts";

export type Kind = "create" | "fund" | "withdraw" | "transfer" | "saga" | "freeze" | "unfreeze";

export interface Request {
  readonly kind: Kind;
  readonly path: string;
  readonly body: Readonly<Record<string, string>> | undefined;
  /** The Idempotency-Key: the client comes again with it until it knows what became of its request. */
  readonly key: string;
}

/** Of 100 requests. More unfreeze than freeze, so that most wallets can be used at any time. */
const SHARES: readonly (readonly [Kind, number])[] = [
  ["create", 1],
  ["fund", 33],
  ["withdraw", 17],
  ["transfer", 28],
  ["saga", 17],
  ["freeze", 1],
  ["unfreeze", 3],
];
/** In ten-thousandths: small enough that most payments are covered, large enough that some are not. */
const MOST_AMOUNT = 500_000;
const USERS = 20;

export function draw(random: Random, wallets: readonly string[]): Request {
  const kind = kindOf(random() * 100);
  if (kind === "create" || wallets.length < 2) return open(random);
  const any = () => wallets[Math.floor(random() * wallets.length)] ?? "";
  const [one, other] = [any(), any()];
  const amount = (Math.ceil(random() * MOST_AMOUNT) / 10_000).toFixed(4);
  const key = crypto.randomUUID();
  switch (kind) {
    case "fund":
    case "withdraw":
      return { kind, path: `/wallets/${one}/${kind}`, body: { amount }, key };
    case "transfer":
      return { kind, path: `/wallets/${one}/transfer`, body: { to_wallet_id: other, amount }, key };
    case "saga": {
      const body = { sender_wallet_id: one, receiver_wallet_id: other, amount, idempotency_key: key };
      return { kind, path: "/transactions", body, key };
    }
    case "freeze":
    case "unfreeze":
      return { kind, path: `/wallets/${one}/${kind}`, body: undefined, key };
  }
}

export function open(random: Random): Request {
  const user_id = `user ${Math.floor(random() * USERS)}`;
  return { kind: "create", path: "/wallets", body: { user_id }, key: crypto.randomUUID() };
}

function kindOf(chance: number): Kind {
  let sum = 0;
  for (const [kind, share] of SHARES) {
    sum += share;
    if (chance < sum) return kind;
  }
  return "fund";
}
