import type { Entry } from "../api/wire.ts";
import { Moment, Money, Scroll } from "../parts/basics.tsx";
import { AccountLink } from "../parts/wallet-link.tsx";
import { hrefOf } from "../route.ts";

export interface EntriesTableProps {
  readonly label: string;
  readonly entries: readonly Entry[];
  /** Whether each row names its account, or its movement. */
  readonly names: "account" | "movement";
}

/** Entries of the ledger, debits and credits in columns of their own, as books have them. */
export function EntriesTable({ label, entries, names }: EntriesTableProps) {
  return (
    <Scroll label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{names === "account" ? "Account" : "Posted"}</th>
            <th scope="col">Debit</th>
            <th scope="col">Credit</th>
            <th scope="col">Balance after</th>
            <th scope="col">{names === "account" ? "Posted" : "Transaction"}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <Row key={entry.id + entry.account_id} entry={entry} names={names} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Row({ entry, names }: { readonly entry: Entry; readonly names: EntriesTableProps["names"] }) {
  const { direction, amount, balance_after, created_at, account_id, transfer_id, transaction_id } = entry;
  const movement = transfer_id ?? transaction_id;
  return (
    <tr>
      <th scope="row">{names === "account" ? <AccountLink id={account_id} /> : <Moment at={created_at} />}</th>
      <td>{direction === "DEBIT" && <Money amount={amount} />}</td>
      <td>{direction === "CREDIT" && <Money amount={amount} />}</td>
      <td>{balance_after === null ? <span class="quiet">kept as a sum</span> : <Money amount={balance_after} />}</td>
      <td>
        {names === "account" ? (
          <Moment at={created_at} />
        ) : (
          <a href={hrefOf({ view: "movement", id: movement })}>
            <code class="id">…{movement.slice(-12)}</code>
          </a>
        )}
      </td>
    </tr>
  );
}
