import { useState } from "preact/hooks";
import type { HistoryEvent } from "../api/wire.ts";
import { isZero } from "../money.ts";
import { Clock, Money } from "../parts/basics.tsx";
import { Icon } from "../parts/icons.tsx";
import { WalletLink } from "../parts/wallet-link.tsx";
import { hrefOf } from "../route.ts";
import { formatDay, formatSpan, toMs } from "../time.ts";
import { EVENT_KINDS } from "./kinds.ts";

/** How many are drawn at first, and more at each request: a long list is slow on a phone. */
const SHOWN_AT_ONCE = 50;

export interface TimelineProps {
  /** Newest first. */
  readonly events: readonly HistoryEvent[];
  readonly readOlder: (() => void) | null;
}

/** What happened to a wallet, day by day. */
export function Timeline({ events, readOlder }: TimelineProps) {
  const [shown, setShown] = useState(SHOWN_AT_ONCE);
  const days = Map.groupBy(events.slice(0, shown), ({ occurred_at }) => formatDay(new Date(occurred_at)));
  const more = (): void => {
    if (shown >= events.length) readOlder?.();
    setShown((old) => old + SHOWN_AT_ONCE);
  };
  return (
    <>
      {[...days].map(([day, ofDay]) => (
        <section key={day} aria-label={day}>
          <h3 class="day">{day}</h3>
          <ol class="timeline">
            {ofDay.map((event) => (
              <TimelineEvent key={event.id} event={event} />
            ))}
          </ol>
        </section>
      ))}
      {(events.length > shown || readOlder !== null) && (
        <button type="button" class="more" onClick={more}>
          Show older
        </button>
      )}
    </>
  );
}

function TimelineEvent({ event }: { readonly event: HistoryEvent }) {
  const { event_type, amount, currency, counterparty_wallet_id, description, balance_after, wallet_version } = event;
  const { title, icon, sign, tone, towards } = EVENT_KINDS[event_type];
  return (
    <li class={`tone-${tone}`} data-version={wallet_version}>
      <span class="mark">
        <Icon name={icon} />
      </span>
      <div class="what">
        <p>
          <strong>{title}</strong>
          {towards !== null && counterparty_wallet_id !== null && (
            <>
              {" "}
              {towards} <WalletLink id={counterparty_wallet_id} />
            </>
          )}
        </p>
        {description !== null && <p class="quiet">{description}</p>}
        <p class="quiet">
          <Clock at={event.occurred_at} />, version {wallet_version}
        </p>
      </div>
      <div class="how-much">
        {!isZero(amount) && (
          <Money
            amount={amount}
            currency={currency}
            sign={sign ?? ""}
            tone={sign === "+" ? "in" : sign === "−" ? "out" : "quiet"}
          />
        )}
        <span class="quiet">
          <span class="word">balance </span>
          <Money amount={balance_after} />
        </span>
      </div>
      <EventDetails event={event} />
    </li>
  );
}

function EventDetails({ event }: { readonly event: HistoryEvent }) {
  const { transaction_id, transfer_id, occurred_at, created_at } = event;
  const movement = transfer_id ?? transaction_id;
  return (
    <details>
      <summary>Details</summary>
      <p>
        In the history {formatSpan(toMs(created_at) - toMs(occurred_at))} after it happened.{" "}
        {movement !== null && <a href={hrefOf({ view: "movement", id: movement })}>In the ledger</a>}
      </p>
      <pre>{JSON.stringify(event, null, 2)}</pre>
    </details>
  );
}
