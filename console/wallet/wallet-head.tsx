import type { Wallet } from "../api/wire.ts";
import { Badge, Copy, Money } from "../parts/basics.tsx";
import { hrefOf } from "../route.ts";

/** What is in the wallet now, as the wallet service says. */
export function WalletHead({ wallet }: { readonly wallet: Wallet }) {
  const { id, user_id, currency, balance, held, available, status, version } = wallet;
  return (
    <section class="wallet-head" aria-label="The wallet now">
      <dl class="figures">
        <div class="main-figure">
          <dt>Balance</dt>
          <dd>
            <Money amount={balance} currency={currency} />
          </dd>
        </div>
        <div>
          <dt>Held</dt>
          <dd>
            <Money amount={held} />
          </dd>
        </div>
        <div>
          <dt>Available</dt>
          <dd>
            <Money amount={available} />
          </dd>
        </div>
        <div>
          <dt>Status</dt>
          <dd>
            <Badge tone={status === "FROZEN" ? "warn" : "good"}>{status === "FROZEN" ? "frozen" : "active"}</Badge>
          </dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{version}</dd>
        </div>
      </dl>
      <p class="wallet-id">
        <code>{id}</code>
        <Copy label="Copy id" text={() => id} />
        <a class="action" href={hrefOf({ view: "account", id })}>
          Ledger account
        </a>
        <a class="action" href={hrefOf({ view: "people", user: user_id })}>
          All of {user_id}
        </a>
      </p>
    </section>
  );
}
