import { useEffect } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useArrivals, useEvery, useGet, useOwnActs } from "../api/resource.ts";
import type { Wallet } from "../api/wire.ts";
import { Card, Empty } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";
import { ActionsCard } from "./actions-card.tsx";
import { BalanceChart } from "./balance-chart.tsx";
import { SagasOf } from "./sagas-of.tsx";
import { Timeline } from "./timeline.tsx";
import { useWalletEvents } from "./wallet-events.ts";
import { WalletHead } from "./wallet-head.tsx";

/** For what the stream does not tell while the history is away. */
const REFRESH_MS = 5_000;

export interface WalletViewProps {
  readonly id: string;
  /** The moment that is looked at; null: now. */
  readonly at: string | null;
}

/** A wallet: what is in it, what can be done with it, and how it came to be so. */
export function WalletView({ id, at }: WalletViewProps) {
  const { wallet: service, history, names, people } = useConsole();
  const { value: wallet, problem, reload } = useGet<Wallet>(service, `/wallets/${id}`);
  const { events, problem: historyProblem, loading, readOlder } = useWalletEvents(id);
  useArrivals(({ wallet_id }) => wallet_id === id, reload);
  useOwnActs(reload);
  useEvery(REFRESH_MS, reload);
  useEffect(() => {
    if (wallet === null) return;
    names.learn([wallet]);
    people.add(wallet.user_id);
  }, [wallet?.user_id]);

  return (
    <>
      <h1 tabIndex={-1}>{wallet === null ? "Wallet" : `Wallet of ${wallet.user_id}`}</h1>
      {problem && <Problem problem={problem} service={service} />}
      {wallet && <WalletHead wallet={wallet} />}
      <div class="columns">
        <div class="stack">
          {wallet && <ActionsCard key={id} wallet={wallet} />}
          {wallet && <SagasOf wallet_id={id} />}
        </div>
        <div class="wide stack">
          <Card title="Balance over time">
            {historyProblem && <Problem problem={historyProblem} service={history} />}
            <BalanceChart wallet_id={id} events={events} at={at} />
          </Card>
          <Card title="History" aside={<span class="quiet">newest first</span>}>
            {events.length === 0 && !historyProblem && (
              <Empty>{loading ? "Reading …" : "Nothing has arrived in the history yet."}</Empty>
            )}
            <Timeline events={events} readOlder={readOlder} />
          </Card>
        </div>
      </div>
    </>
  );
}
