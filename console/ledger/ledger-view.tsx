import { useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useArrivals, useGet } from "../api/resource.ts";
import type { TrialBalance } from "../api/wire.ts";
import { isZero } from "../money.ts";
import { Badge, Card, Empty, Money, Scroll } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";
import { AccountLink } from "../parts/wallet-link.tsx";

/** The books: per currency, all that was ever debited and credited. */
export function LedgerView() {
  const { history } = useConsole();
  const { value, problem, reload } = useGet<{ items: readonly TrialBalance[] }>(history, "/ledger/trial-balance");
  useArrivals(() => true, reload);
  return (
    <>
      <h1 tabIndex={-1}>Ledger</h1>
      <Card title="Trial balance" aside={<span class="quiet">over all accounts, of one moment</span>}>
        {problem && <Problem problem={problem} service={history} />}
        {value?.items.length === 0 && <Empty>There is no account yet.</Empty>}
        {value && value.items.length > 0 && <TrialTable items={value.items} />}
      </Card>
      <div class="books">
        {value?.items.map((each) => (
          <Sides key={each.currency} balance={each} />
        ))}
        <Card title="Look something up">
          <LookUp />
        </Card>
      </div>
    </>
  );
}

function TrialTable({ items }: { readonly items: readonly TrialBalance[] }) {
  return (
    <Scroll label="Trial balance, table">
      <table>
        <thead>
          <tr>
            <th scope="col">Currency</th>
            <th scope="col">Debits</th>
            <th scope="col">Credits</th>
            <th scope="col">Difference</th>
            <th scope="col">Clearing</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ currency, debits, credits, difference, clearing }) => (
            <tr key={currency}>
              <th scope="row">{currency}</th>
              <td>
                <Money amount={debits} />
              </td>
              <td>
                <Money amount={credits} />
              </td>
              <td>
                <Money amount={difference} />{" "}
                <Badge tone={isZero(difference) ? "good" : "bad"}>{isZero(difference) ? "balanced" : "off"}</Badge>
              </td>
              <td>
                <Money amount={clearing} /> {!isZero(clearing) && <Badge tone="warn">on its way</Badge>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Where the money is: what came in from outside is in wallets, or between two of them. */
function Sides({ balance }: { readonly balance: TrialBalance }) {
  const { currency, external, clearing, wallets } = balance;
  return (
    <Card title={`Where the ${currency} are`}>
      <dl class="sides">
        <div>
          <dt>
            <AccountLink id={`external:${currency}`} />
          </dt>
          <dd>
            <Money amount={external} />
          </dd>
        </div>
        <div>
          <dt>all wallets</dt>
          <dd>
            <Money amount={wallets} />
          </dd>
        </div>
        <div>
          <dt>
            <AccountLink id={`clearing:${currency}`} />
          </dt>
          <dd>
            <Money amount={clearing} />
          </dd>
        </div>
      </dl>
      <p class="quiet">The three come to zero: what wallets hold is what the outside has put in.</p>
    </Card>
  );
}

function LookUp() {
  const { router } = useConsole();
  const [id, setId] = useState("");
  const go = (view: "account" | "movement"): void => {
    if (id.trim() !== "") router.go({ view, id: id.trim() });
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    go("account");
  };
  return (
    <form class="move-form" onSubmit={submit}>
      <div class="field">
        <label for="look-up">An account, or a transaction’s id</label>
        <input
          id="look-up"
          value={id}
          placeholder="external:USD, or a wallet’s id"
          autoComplete="off"
          spellcheck={false}
          onInput={(event) => setId(event.currentTarget.value)}
        />
      </div>
      <div class="actions">
        <button type="submit" class="primary">
          Account
        </button>
        <button type="button" class="action" onClick={() => go("movement")}>
          Transaction
        </button>
      </div>
    </form>
  );
}
