import { useEffect } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useArrivals, useEvery, useGet, useOwnActs } from "../api/resource.ts";
import type { List, Wallet } from "../api/wire.ts";
import { isZero } from "../money.ts";
import { Badge, Card, Empty, Money, ShortId } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";
import { hrefOf } from "../route.ts";

/** As many as one answer may have; who has more is no person. */
const LISTED_WALLETS = 200;
/** For what the stream does not tell while the history is away. */
const REFRESH_MS = 5_000;

/** The wallets of a person, with what is in them. */
export function WalletsOf({ user }: { readonly user: string }) {
  const { wallet: service, names } = useConsole();
  const path = `/users/${encodeURIComponent(user)}/wallets?limit=${LISTED_WALLETS}`;
  const { value, problem, reload } = useGet<List<Wallet>>(service, path);
  useArrivals(({ user_id }) => user_id === user, reload);
  useOwnActs(reload);
  useEvery(REFRESH_MS, reload);
  useEffect(() => names.learn(value?.items ?? []), [value, names]);
  const link = (
    <a class="quiet" href={hrefOf({ view: "people", user })}>
      only {user}
    </a>
  );
  return (
    <Card title={user} aside={link}>
      {problem && <Problem problem={problem} service={service} />}
      {value?.items.length === 0 && <Empty>{user} has no wallet yet.</Empty>}
      <ul class="wallets">
        {value?.items.map((wallet) => (
          <WalletLine key={wallet.id} wallet={wallet} />
        ))}
      </ul>
    </Card>
  );
}

function WalletLine({ wallet }: { readonly wallet: Wallet }) {
  const { id, balance, held, available, currency, status } = wallet;
  return (
    <li>
      <a class="wallet-card" href={hrefOf({ view: "wallet", id, at: null })}>
        <span class="wallet-name">
          <ShortId id={id} /> {status === "FROZEN" && <Badge tone="warn">frozen</Badge>}
        </span>
        <span class="wallet-balance">
          <span class="unseen">Balance </span>
          <Money amount={balance} currency={currency} />
        </span>
        <span class="wallet-parts">
          <span>
            held <Money amount={held} {...(!isZero(held) && { tone: "out" as const })} />
          </span>
          <span>
            available <Money amount={available} />
          </span>
        </span>
      </a>
    </li>
  );
}
