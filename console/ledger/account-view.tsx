import { useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useName } from "../api/names.ts";
import { useArrivals, useGet, useOwnActs } from "../api/resource.ts";
import { useStore } from "../api/store.ts";
import type { Account, Entry, List } from "../api/wire.ts";
import { AttemptCard } from "../parts/attempt-card.tsx";
import { Action, Badge, Card, Empty, Money } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";
import { WalletLink } from "../parts/wallet-link.tsx";
import { EntriesTable } from "./entries-table.tsx";

const LISTED_ENTRIES = 100;

/** An account of the ledger with its newest entries. */
export function AccountView({ id }: { readonly id: string }) {
  const { history, names } = useConsole();
  const name = useName(names, id);
  const path = `/ledger/accounts/${encodeURIComponent(id).replaceAll("%3A", ":")}`;
  const account = useGet<Account>(history, path);
  const entries = useGet<List<Entry>>(history, `${path}/entries?limit=${LISTED_ENTRIES}`);
  const reload = (): void => {
    account.reload();
    entries.reload();
  };
  useArrivals(() => true, reload);
  useOwnActs(reload);
  const { value, problem } = account;
  return (
    <>
      <h1 tabIndex={-1}>{id.includes(":") || name === undefined ? "Account" : `Account of ${name}`}</h1>
      <p class="wallet-id">
        <code>{id}</code> <a href="#/ledger">All of the ledger</a>
      </p>
      {problem && <Problem problem={problem} service={history} />}
      {value && <AccountHead account={value} path={path} />}
      {value && (
        <Card title="Entries" aside={<span class="quiet">newest first, {LISTED_ENTRIES} at most</span>}>
          {entries.value?.items.length === 0 && <Empty>Nothing was posted to it yet.</Empty>}
          {entries.value && entries.value.items.length > 0 && (
            <EntriesTable label="Entries, table" entries={entries.value.items} names="movement" />
          )}
        </Card>
      )}
    </>
  );
}

function AccountHead({ account, path }: { readonly account: Account; readonly path: string }) {
  const { attempts, history } = useConsole();
  const [key, setKey] = useState<string | null>(null);
  const attempt = useStore(attempts.list).find((each) => each.key === key);
  const { id, kind, balance, currency, frozen } = account;
  const verb = frozen ? "unfreeze" : "freeze";
  const act = async (): Promise<void> => {
    const fresh = attempts.newKey();
    setKey(fresh);
    const title = frozen ? "Unfreeze the account" : "Freeze the account";
    await attempts.act({ key: fresh, title, service: history, path: `${path}/${verb}` });
  };
  return (
    <section class="wallet-head" aria-label="The account now">
      <dl class="figures">
        <div class="main-figure">
          <dt>Credits − debits</dt>
          <dd>
            <Money amount={balance} currency={currency} />
          </dd>
        </div>
        <div>
          <dt>Kind</dt>
          <dd>
            {kind} {kind === "wallet" && <WalletLink id={id} />}
          </dd>
        </div>
        <div>
          <dt>Sagas</dt>
          <dd>
            <Badge tone={frozen ? "warn" : "good"}>{frozen ? "frozen: refused" : "decided"}</Badge>
          </dd>
        </div>
      </dl>
      <div class="actions">
        <Action icon={frozen ? "unlock" : "lock"} onClick={() => void act()}>
          {frozen ? "Unfreeze for sagas" : "Freeze for sagas"}
        </Action>
      </div>
      {attempt && <AttemptCard attempt={attempt} />}
    </section>
  );
}
