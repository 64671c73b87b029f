import { useConsole } from "../api/context.ts";
import { useArrivals, useGet } from "../api/resource.ts";
import type { Movement } from "../api/wire.ts";
import { Badge, Card } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";
import { EntriesTable } from "./entries-table.tsx";

/** All entries of one movement of money. */
export function MovementView({ id }: { readonly id: string }) {
  const { history } = useConsole();
  const { value, problem, reload } = useGet<Movement>(history, `/ledger/transactions/${encodeURIComponent(id)}`);
  // It may have been asked for before it was posted.
  useArrivals(({ transaction_id, transfer_id }) => transaction_id === id || transfer_id === id, reload);
  return (
    <>
      <h1 tabIndex={-1}>Transaction</h1>
      <p class="wallet-id">
        <code>{id}</code> <a href="#/ledger">All of the ledger</a>
      </p>
      {problem && <Problem problem={problem} service={history} />}
      {value && (
        <Card title="Entries" aside={<Balanced movement={value} />}>
          <EntriesTable label="Entries of the transaction" entries={value.entries} names="account" />
        </Card>
      )}
    </>
  );
}

/** Whether debits and credits are the same amounts; compared as they are written, so that nothing is rounded. */
function Balanced({ movement: { entries } }: { readonly movement: Movement }) {
  const amounts = (wanted: "DEBIT" | "CREDIT") =>
    entries
      .filter(({ direction }) => direction === wanted)
      .map(({ amount }) => amount)
      .toSorted()
      .join();
  const balanced = amounts("DEBIT") === amounts("CREDIT");
  return <Badge tone={balanced ? "good" : "bad"}>{balanced ? "balanced" : "off"}</Badge>;
}
