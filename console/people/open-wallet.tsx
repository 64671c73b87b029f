import { useRef, useState } from "preact/hooks";
import { answerTo } from "../api/attempts.ts";
import { useConsole } from "../api/context.ts";
import { useStore } from "../api/store.ts";
import { AttemptCard } from "../parts/attempt-card.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icons.tsx";

/** Opens a wallet for a person. */
export function OpenWallet({ user }: { readonly user: string }) {
  const { attempts, wallet: service, people } = useConsole();
  const [user_id, setUser] = useState(user);
  const [currency, setCurrency] = useState("USD");
  const [key, setKey] = useState<string | null>(null);
  const busy = useRef(false);
  const attempt = useStore(attempts.list).find((each) => each.key === key);
  const problem = (attempt && answerTo(attempt)?.problem) ?? null;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // Two clicks in a row are one wish.
    if (busy.current) return;
    busy.current = true;
    const body = { user_id, ...(currency !== "" && { currency }) };
    const act = { key: attempts.newKey(), title: `Open a wallet for ${user_id}`, service, path: "/wallets", body };
    setKey(act.key);
    const done = await attempts.act(act);
    busy.current = false;
    if (answerTo(done)?.value) people.add(user_id);
  };

  return (
    <form class="move-form" onSubmit={(event) => void submit(event)} noValidate>
      <Field label="User id" value={user_id} onValue={setUser} pointer="/user_id" problem={problem} />
      <Field
        label="Currency"
        value={currency}
        onValue={setCurrency}
        pointer="/currency"
        problem={problem}
        hint="Three letters of ISO 4217, such as USD"
      />
      <button type="submit" class="primary">
        <Icon name="plus" />
        Open wallet
      </button>
      {attempt && <AttemptCard attempt={attempt} />}
    </form>
  );
}
