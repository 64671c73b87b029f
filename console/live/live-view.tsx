import { type Attempt, answerTo } from "../api/attempts.ts";
import { useConsole } from "../api/context.ts";
import { useStore } from "../api/store.ts";
import { MoveForm } from "../move/move-form.tsx";
import { Card, Clock, Empty, Money } from "../parts/basics.tsx";
import { Icon } from "../parts/icons.tsx";
import { WalletLink } from "../parts/wallet-link.tsx";
import { hrefOf } from "../route.ts";
import { EVENT_KINDS } from "../wallet/kinds.ts";
import { type Movement, movementOf, toMovements } from "./movements.ts";
import { Passage } from "./passage.tsx";

/** More rows than a person reads; the rest is in the histories. */
const SHOWN_EVENTS = 60;

/** What happens in the system at this moment, and the way of one movement of money through it. */
export function LiveView({ movement }: { readonly movement: string | null }) {
  const { recent, router } = useConsole();
  const arrivals = useStore(recent);
  const movements = toMovements(arrivals);
  const chosen: Movement | undefined =
    movement === null ? movements[0] : (movements.find(({ id }) => id === movement) ?? { id: movement, arrivals: [] });
  const follow = (attempt: Attempt): void => {
    const id = answerTo(attempt)?.value?.id;
    if (typeof id === "string") router.go({ view: "live", movement: id });
  };
  return (
    <>
      <h1 tabIndex={-1}>Live</h1>
      <Card title="The way of a movement" aside={movement !== null && <a href="#/live">Follow the latest</a>}>
        {chosen === undefined ? (
          <Empty>Nothing has happened since this page was opened. Move some money, and see it travel.</Empty>
        ) : (
          <Passage key={chosen.id} movement={chosen} />
        )}
      </Card>
      <div class="columns">
        <Card title="Move something">
          <MoveForm kinds={["transfer", "saga"]} from="alice" to="bob" onAnswer={follow} />
        </Card>
        <Card title="Events" aside={<span class="quiet">as they are stored, newest first</span>} class="wide">
          {arrivals.length === 0 && <Empty>Waiting for the next event …</Empty>}
          <ol class="events" aria-label="Events">
            {arrivals.slice(0, SHOWN_EVENTS).map(({ event }) => (
              <EventRow key={event.id} event={event} chosen={movementOf(event) === chosen?.id} />
            ))}
          </ol>
        </Card>
      </div>
    </>
  );
}

type EventRowProps = { readonly event: Movement["arrivals"][number]["event"]; readonly chosen: boolean };

function EventRow({ event, chosen }: EventRowProps) {
  const { icon, tone } = EVENT_KINDS[event.event_type];
  return (
    <li class={`tone-${tone}${chosen ? " chosen" : ""}`}>
      <span class="mark">
        <Icon name={icon} />
      </span>
      <a href={hrefOf({ view: "live", movement: movementOf(event) })} aria-current={chosen ? "true" : undefined}>
        {event.event_type}
      </a>
      <WalletLink id={event.wallet_id} />
      <Money amount={event.amount} currency={event.currency} />
      <span class="quiet">
        <Clock at={event.occurred_at} />
      </span>
    </li>
  );
}
