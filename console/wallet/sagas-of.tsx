import { useConsole } from "../api/context.ts";
import { useArrivals, useEvery, useGet, useOwnActs } from "../api/resource.ts";
import type { List, Saga } from "../api/wire.ts";
import { Badge, Card, Money, type Tone } from "../parts/basics.tsx";
import { WalletLink } from "../parts/wallet-link.tsx";
import { hrefOf } from "../route.ts";

const LISTED_SAGAS = 6;
/** A saga ends in a tenth of a second as a rule; its end is also told by the stream. */
const REFRESH_MS = 5_000;

export const SAGA_TONES: Record<Saga["status"], Tone> = { INITIATED: "warn", SUCCESS: "good", FAILED: "bad" };

/** The latest sagas that the wallet sends or receives; nothing where there are none. */
export function SagasOf({ wallet_id }: { readonly wallet_id: string }) {
  const { wallet: service } = useConsole();
  const { value, reload } = useGet<List<Saga>>(service, `/transactions?wallet_id=${wallet_id}&limit=${LISTED_SAGAS}`);
  useArrivals((event) => event.wallet_id === wallet_id && event.event_data.posting !== "OWN", reload);
  useOwnActs(reload);
  useEvery(REFRESH_MS, reload);
  if (value === null || value.items.length === 0) return null;
  return (
    <Card title="Sagas">
      <ul class="lines">
        {value.items.map(({ id, status, amount, currency, sender_wallet_id, receiver_wallet_id, failure_code }) => (
          <li key={id}>
            <span>
              <a href={hrefOf({ view: "saga", id })}>
                <Money amount={amount} currency={currency} />
              </a>{" "}
              {sender_wallet_id === wallet_id ? "to " : "from "}
              <WalletLink id={sender_wallet_id === wallet_id ? receiver_wallet_id : sender_wallet_id} />
            </span>
            <span>
              {failure_code !== null && <span class="quiet">{failure_code} </span>}
              <Badge tone={SAGA_TONES[status]}>{status.toLowerCase()}</Badge>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
