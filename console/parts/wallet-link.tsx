import { useConsole } from "../api/context.ts";
import { useName } from "../api/names.ts";
import { hrefOf } from "../route.ts";
import { ShortId } from "./basics.tsx";

/** A wallet by the name of its owner. */
export function WalletLink({ id }: { readonly id: string }) {
  const { names } = useConsole();
  const name = useName(names, id);
  return (
    <a class="wallet-link" href={hrefOf({ view: "wallet", id, at: null })} title={id}>
      {name ?? <ShortId id={id} />}
    </a>
  );
}

/** An account of the ledger: a wallet's by its owner, the others by their names. */
export function AccountLink({ id }: { readonly id: string }) {
  return (
    <a class="wallet-link" href={hrefOf({ view: "account", id })} title={id}>
      {id.includes(":") ? id : <AccountName id={id} />}
    </a>
  );
}

function AccountName({ id }: { readonly id: string }) {
  const { names } = useConsole();
  const name = useName(names, id);
  return name === undefined ? (
    <ShortId id={id} />
  ) : (
    <>
      {name} <ShortId id={id} />
    </>
  );
}
