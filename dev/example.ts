/** A transfer between the example wallets through the running servers, and the two commands that do the same by hand. */
import { until } from "../test/until.ts";
import { EXAMPLE_WALLETS } from "./seed.ts";
import { SetupError } from "./setup-error.ts";

export interface Addresses {
  wallet: string;
  history: string;
}

export interface Example {
  /** Moves a little money. */
  transfer: string;
  /** Shows what the history says of it. */
  history: string;
  /** The line that followed the transfer done here. */
  line: string;
  /** From the answer to the transfer until the history had it. */
  delay_ms: number;
}

const AMOUNT = "1.00";
/** A consumer that has just joined its group, behind a relay that has just taken its lease. */
const FIRST_EVENT_TIMEOUT_MS = 30_000;
const POLL_MS = 2;

interface Wallet {
  id: string;
  user_id: string;
  available: string;
  version: number;
}

interface Event {
  event_type: string;
  amount: string;
  currency: string;
  balance_after: string;
  wallet_version: number;
  occurred_at: string;
}

/** Does the transfer and waits for its line in the history. Null where the example wallets are not there. */
export async function showExample({ wallet, history }: Addresses): Promise<Example | null> {
  const wallets = await Promise.all(EXAMPLE_WALLETS.map(({ id }) => find<Wallet>(`${wallet}/wallets/${id}`)));
  // The richer one pays, so that the example works however often the system is started.
  const [payer, receiver] = wallets.toSorted((a, b) => Number(b?.available ?? 0) - Number(a?.available ?? 0));
  if (!payer || !receiver) return null;
  const latest = `${history}/wallets/${payer.id}/history?limit=1`;
  // Only once the history is level with the wallets does the delay say something of the way, not of the start.
  await versionIn(latest, payer.version);

  const body = JSON.stringify({ to_wallet_id: receiver.id, amount: AMOUNT });
  const url = `${wallet}/wallets/${payer.id}/transfer`;
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answered = performance.now();
  if (!answer.ok) throw new SetupError(`The example transfer was answered ${answer.status}: ${await answer.text()}`);
  const event = await versionIn(latest, payer.version + 1);
  return {
    transfer: `curl -X POST ${url} -H 'content-type: application/json' -d '${body}'`,
    history: `curl '${latest}'`,
    line: `${event.occurred_at}  ${event.event_type}  ${payer.user_id} → ${receiver.user_id}  ${event.amount} ${event.currency}, balance after ${event.balance_after}`,
    delay_ms: performance.now() - answered,
  };
}

function versionIn(latest: string, version: number): Promise<Event> {
  return until(
    async () => {
      const [event] = (await find<{ items: Event[] }>(latest))?.items ?? [];
      return event !== undefined && event.wallet_version >= version && event;
    },
    { timeout_ms: FIRST_EVENT_TIMEOUT_MS, interval_ms: POLL_MS, what: "the history has the example's event" },
  );
}

/** The JSON at the address; null if there is none. */
async function find<T>(url: string): Promise<T | null> {
  const answer = await fetch(url);
  if (!answer.ok) return null;
  const body: T = JSON.parse(await answer.text());
  return body;
}
