import { useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useStore } from "../api/store.ts";
import type { Wallet } from "../api/wire.ts";
import { MoveForm } from "../move/move-form.tsx";
import { AttemptCard } from "../parts/attempt-card.tsx";
import { Action, Card } from "../parts/basics.tsx";

/** What can be done with a wallet. */
export function ActionsCard({ wallet }: { readonly wallet: Wallet }) {
  const { attempts, wallet: service } = useConsole();
  const [key, setKey] = useState<string | null>(null);
  const freezing = useStore(attempts.list).find((each) => each.key === key);
  const verb = wallet.status === "FROZEN" ? "unfreeze" : "freeze";

  const freeze = (): void => {
    const title = verb === "freeze" ? "Freeze the wallet" : "Unfreeze the wallet";
    const fresh = attempts.newKey();
    setKey(fresh);
    void attempts.act({ key: fresh, title, service, path: `/wallets/${wallet.id}/${verb}` });
  };

  const freezer = (
    <Action icon={verb === "freeze" ? "lock" : "unlock"} onClick={freeze}>
      {verb === "freeze" ? "Freeze" : "Unfreeze"}
    </Action>
  );
  return (
    <Card title="Move money" aside={freezer}>
      {freezing && <AttemptCard attempt={freezing} />}
      <MoveForm kinds={["fund", "withdraw", "transfer", "saga"]} wallet_id={wallet.id} />
    </Card>
  );
}
