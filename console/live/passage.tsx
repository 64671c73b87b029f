import { useEffect } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useGet, useResource } from "../api/resource.ts";
import { call } from "../api/service.ts";
import { useStore } from "../api/store.ts";
import type { Movement as LedgerMovement, Publication } from "../api/wire.ts";
import { Empty, Money } from "../parts/basics.tsx";
import { Icon } from "../parts/icons.tsx";
import { WalletLink } from "../parts/wallet-link.tsx";
import { hrefOf } from "../route.ts";
import { formatClock, formatSpan, toMs } from "../time.ts";
import { EVENT_KINDS } from "../wallet/kinds.ts";
import { type Movement, tryOf, type Way, waysOf } from "./movements.ts";

/** The way of each event of a movement: wallet → outbox → topic → history → ledger → this page. */
export function Passage({ movement }: { readonly movement: Movement }) {
  const { history, attempts } = useConsole();
  const sent = tryOf(movement.id, useStore(attempts.list));
  // What only stands in the audit trail has no entries to ask for.
  const posts = movement.arrivals.some(({ event }) => event.event_data.posting !== "NONE");
  const { value, reload } = useResource<Pick<LedgerMovement, "entries">>(`posted ${movement.id}`, async (signal) =>
    posts
      ? call(history, { method: "GET", path: `/ledger/transactions/${movement.id}`, signal })
      : { ok: true, value: { entries: [] }, status: 200, headers: new Headers() },
  );
  // The ledger posts with the history, so what has arrived here is posted, if it is to be posted at all.
  useEffect(reload, [movement.arrivals.length]);
  const ways = waysOf(movement, sent, value?.entries ?? []);
  const began_ms = Math.min(...ways.map(({ committed_ms }) => committed_ms));

  if (ways.length === 0)
    return (
      <Empty>
        This page has not seen the events of <code>{movement.id}</code>: they may be on their way, or older than the
        page. <a href={hrefOf({ view: "movement", id: movement.id })}>In the ledger</a>
      </Empty>
    );
  return (
    <div class="passage">
      {ways.map((way) => (
        <Lane key={way.arrival.event.id} way={way} began_ms={began_ms} />
      ))}
      <p class="quiet">
        Times after a + are since the money moved. What this page asked and showed is by the browser’s clock, the
        topic’s by the server that published, the others by the database’s.{" "}
        <a href={hrefOf({ view: "movement", id: movement.id })}>The entries in the ledger</a>
      </p>
    </div>
  );
}

interface LaneProps {
  readonly way: Way;
  readonly began_ms: number;
}

/** One event from left to right. */
function Lane({ way, began_ms }: LaneProps) {
  const { history } = useConsole();
  const { event } = way.arrival;
  const { value: published } = useGet<Publication>(history, `/events/${event.id}/publication`);
  const { title, icon, tone } = EVENT_KINDS[event.event_type];
  const { asked_ms, answered_ms, committed_ms, stored_ms, posted_ms, shown_ms } = way;
  const stop = { began_ms };
  return (
    <section class={`lane tone-${tone}`} aria-label={`${title}, version ${event.wallet_version}`}>
      <p class="lane-title">
        <span class="mark">
          <Icon name={icon} />
        </span>
        <strong>{event.event_type}</strong> <WalletLink id={event.wallet_id} />{" "}
        <Money amount={event.amount} currency={event.currency} />
      </p>
      <ol class="stops">
        <Stop
          {...stop}
          name="Wallet"
          at_ms={committed_ms}
          note={askedNote(asked_ms, answered_ms, event.wallet_version)}
        />
        <Stop {...stop} name="Outbox" at_ms={committed_ms} note="in the same transaction" />
        <Stop
          {...stop}
          name="Topic"
          at_ms={published && toMs(published.published_at)}
          reached
          note={topicNote(published)}
        />
        <Stop {...stop} name="History" at_ms={stored_ms} note="stored" />
        <Stop {...stop} name="Ledger" at_ms={posted_ms} note={ledgerNote(event.event_data.posting, posted_ms)} />
        <Stop {...stop} name="This page" at_ms={shown_ms} note="shown" />
      </ol>
    </section>
  );
}

interface StopProps {
  readonly name: string;
  readonly at_ms: number | null;
  readonly began_ms: number;
  /** It was there, although nobody says when. */
  readonly reached?: boolean;
  readonly note: string;
}

function Stop({ name, at_ms, began_ms, reached = at_ms !== null, note }: StopProps) {
  return (
    <li class={reached ? "reached" : ""}>
      <span class="stop-name">{name}</span>
      {at_ms !== null && (
        <>
          <time class="stop-clock" dateTime={new Date(at_ms).toISOString()}>
            {formatClock(new Date(at_ms))}
          </time>
          <span class="stop-span">+{formatSpan(Math.max(0, at_ms - began_ms))}</span>
        </>
      )}
      <span class="quiet">{note}</span>
    </li>
  );
}

function askedNote(asked_ms: number | null, answered_ms: number | null, version: number): string {
  if (asked_ms === null || answered_ms === null) return `version ${version}`;
  return `asked ${formatClock(new Date(asked_ms))}, answered ${formatSpan(answered_ms - asked_ms)} later`;
}

function topicNote(published: Publication | null): string {
  return published === null ? "passed" : `partition ${published.partition}, offset ${published.offset}`;
}

function ledgerNote(posting: "OWN" | "SAGA" | "NONE", posted_ms: number | null): string {
  if (posted_ms !== null) return posting === "SAGA" ? "decided and posted" : "posted";
  return posting === "NONE" ? "nothing to post" : "not posted";
}
