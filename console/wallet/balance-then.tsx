import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useResource } from "../api/resource.ts";
import { call, query } from "../api/service.ts";
import type { Balance } from "../api/wire.ts";
import { isZero } from "../money.ts";
import { Moment, Money } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";

/** A hand that drags is not asked about at every pixel. */
const DRAGGING_MS = 60;

export interface BalanceThenProps {
  readonly wallet_id: string;
  readonly at: string | null;
  /** The newest version that is known here: another one may have changed the balance. */
  readonly newest: number;
}

/** The balance at the moment that is looked at, as the history says (`?at=`). */
export function BalanceThen({ wallet_id, at, newest }: BalanceThenProps) {
  const { history } = useConsole();
  const asked = useSettled(at);
  const path = `/wallets/${wallet_id}/balance${query({ at: asked ?? undefined })}`;
  const { value, problem, reload } = useResource<Balance>(`balance ${wallet_id}`, (signal) =>
    call<Balance>(history, { method: "GET", path, signal }),
  );
  useEffect(reload, [path, newest]);

  if (problem?.code === "wallet_not_found")
    return (
      <p class="balance-then">{at === null ? "The history has not heard of it yet." : "It did not exist then."}</p>
    );
  if (problem) return <Problem problem={problem} service={history} />;
  return (
    <p class="balance-then" aria-live="polite">
      {value && (
        <>
          <Money amount={value.balance} currency={value.currency} />
          {!isZero(value.held) && (
            <span class="quiet">
              {" "}
              held <Money amount={value.held} />, available <Money amount={value.available} />
            </span>
          )}
          <span class="quiet">
            {" "}
            {asked === null ? "now, by the history" : <Moment at={value.as_of} />}, version {value.wallet_version}
          </span>
        </>
      )}
    </p>
  );
}

function useSettled(at: string | null): string | null {
  const [settled, setSettled] = useState(at);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(at), DRAGGING_MS);
    return () => clearTimeout(timer);
  }, [at]);
  return settled;
}
