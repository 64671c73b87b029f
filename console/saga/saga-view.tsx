import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useArrivals, useEvery, useGet } from "../api/resource.ts";
import { query } from "../api/service.ts";
import type { HistoryEvent, List, Movement, Saga } from "../api/wire.ts";
import { Badge, Card, Clock, Copy, Money } from "../parts/basics.tsx";
import { Icon, type IconName } from "../parts/icons.tsx";
import { Problem } from "../parts/problem.tsx";
import { WalletLink } from "../parts/wallet-link.tsx";
import { hrefOf } from "../route.ts";
import { formatSpan, toMs } from "../time.ts";
import { SAGA_TONES } from "../wallet/sagas-of.tsx";
import { type SagaStep, stepsOf } from "./steps.ts";

const REFRESH_MS = 500;
/** Of the sender's, from the saga on: its own are the first, but for what else happens meanwhile. */
const LOOKED_THROUGH_EVENTS = 200;

/** A transfer in which the ledger decides, step by step as it happens. */
export function SagaView({ id }: { readonly id: string }) {
  const { wallet, history } = useConsole();
  const { value: saga, problem, reload } = useGet<Saga>(wallet, `/transactions/${encodeURIComponent(id)}`);
  const entries = useGet<Movement>(history, `/ledger/transactions/${encodeURIComponent(id)}`);
  useArrivals(
    ({ transfer_id }) => transfer_id === id,
    () => {
      reload();
      entries.reload();
    },
  );
  useEvery(REFRESH_MS, () => {
    if (saga?.status !== "INITIATED") return;
    reload();
    entries.reload();
  });
  return (
    <>
      <h1 tabIndex={-1}>Saga</h1>
      {problem && <Problem problem={problem} service={wallet} />}
      {saga?.type === "SAGA" && (
        <>
          <SagaHead saga={saga} />
          <Steps saga={saga} entries={entries.value?.entries ?? []} />
        </>
      )}
      {saga !== null && saga.type !== "SAGA" && (
        <p>
          This is no saga but a line of a wallet. <a href={hrefOf({ view: "movement", id })}>In the ledger</a>
        </p>
      )}
    </>
  );
}

function SagaHead({ saga }: { readonly saga: Saga }) {
  const { id, amount, currency, sender_wallet_id, receiver_wallet_id, status, created_at, updated_at, description } =
    saga;
  return (
    <section class="wallet-head" aria-label="The saga now">
      <dl class="figures">
        <div class="main-figure">
          <dt>
            <WalletLink id={sender_wallet_id} /> pays <WalletLink id={receiver_wallet_id} />
          </dt>
          <dd>
            <Money amount={amount} currency={currency} />
          </dd>
        </div>
        <div>
          <dt>Status</dt>
          <dd aria-live="polite">
            <Badge tone={SAGA_TONES[status]}>{status.toLowerCase()}</Badge>
          </dd>
        </div>
        {status !== "INITIATED" && (
          <div>
            <dt>Took</dt>
            <dd>{formatSpan(toMs(updated_at) - toMs(created_at))}</dd>
          </div>
        )}
        {description !== null && (
          <div>
            <dt>Description</dt>
            <dd>{description}</dd>
          </div>
        )}
      </dl>
      <p class="wallet-id">
        <code>{id}</code>
        <Copy label="Copy id" text={() => id} />
        <a class="action" href={hrefOf({ view: "movement", id })}>
          In the ledger
        </a>
        <a class="action" href={hrefOf({ view: "live", movement: id })}>
          See it travel
        </a>
      </p>
    </section>
  );
}

/** Asked anew with every change of the saga, and filled up by what arrives. */
function Steps({ saga, entries }: { readonly saga: Saga; readonly entries: Movement["entries"] }) {
  const { history } = useConsole();
  const [arrived, setArrived] = useState<readonly HistoryEvent[]>([]);
  useArrivals(
    ({ transfer_id }) => transfer_id === saga.id,
    (arrivals) => setArrived((old) => [...old, ...arrivals.map(({ event }) => event)]),
  );
  const asked = query({ from: saga.created_at, order: "asc", limit: LOOKED_THROUGH_EVENTS });
  const told = useGet<List<HistoryEvent>>(history, `/wallets/${saga.sender_wallet_id}/history${asked}`);
  useEffect(told.reload, [saga.status]);
  const events = [...arrived, ...(told.value?.items ?? [])].filter(({ transfer_id }) => transfer_id === saga.id);
  return (
    <Card title="Its steps">
      {told.problem && <Problem problem={told.problem} service={history} />}
      <ol class="steps">
        {stepsOf({ saga, events, entries }).map((step) => (
          <StepLine key={step.title} step={step} since={saga.created_at} />
        ))}
      </ol>
    </Card>
  );
}

const STEP_ICONS: Record<SagaStep["state"], IconName> = {
  done: "check",
  refused: "cross",
  next: "hold",
  waiting: "minus",
};

const STEP_TONES = { done: "tone-in", refused: "tone-bad", next: "tone-hold", waiting: "tone-plain" } as const;

function StepLine({ step: { title, state, at, note }, since }: { readonly step: SagaStep; readonly since: string }) {
  return (
    <li class={STEP_TONES[state]} aria-current={state === "next" ? "step" : undefined}>
      <span class="mark">
        <Icon name={STEP_ICONS[state]} />
      </span>
      <div>
        <strong>{title}</strong>
        <p class="quiet">{note}</p>
      </div>
      {at !== null && (
        <p class="step-time">
          <Clock at={at} /> <span class="quiet">+{formatSpan(Math.max(0, toMs(at) - toMs(since)))}</span>
        </p>
      )}
    </li>
  );
}
