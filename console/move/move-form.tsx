import { useRef, useState } from "preact/hooks";
import { type Act, type Attempt, answerTo } from "../api/attempts.ts";
import { type Console, useConsole } from "../api/context.ts";
import { useStore } from "../api/store.ts";
import type { Problem } from "../api/wire.ts";
import { AttemptCard } from "../parts/attempt-card.tsx";
import { Choice, Field } from "../parts/field.tsx";
import { Icon, type IconName } from "../parts/icons.tsx";
import { WalletPicker } from "../parts/wallet-picker.tsx";

/** Ways in which money moves. */
export type Kind = "fund" | "withdraw" | "transfer" | "saga";

interface Way {
  readonly name: string;
  readonly verb: string;
  readonly hint: string;
  readonly icon: IconName;
  /** Where the API says what is wrong with the receiver; null where nobody else receives. */
  readonly receiver: string | null;
}

const WAYS: Record<Kind, Way> = {
  fund: { name: "Fund", verb: "Fund", hint: "Money comes in from outside.", icon: "in", receiver: null },
  withdraw: { name: "Withdraw", verb: "Withdraw", hint: "Money leaves to the outside.", icon: "out", receiver: null },
  transfer: {
    name: "Transfer",
    verb: "Transfer",
    hint: "At once: both wallets change in one transaction.",
    icon: "move",
    receiver: "/to_wallet_id",
  },
  saga: {
    name: "Saga",
    verb: "Start the saga",
    hint: "The amount is held until the ledger has decided.",
    icon: "move",
    receiver: "/receiver_wallet_id",
  },
};

export interface MoveFormProps {
  readonly kinds: readonly Kind[];
  /** The wallet that is funded or pays; where it is left out, the form asks for it. */
  readonly wallet_id?: string;
  /** Who pays and who receives at first, where the form asks. */
  readonly from?: string;
  readonly to?: string;
  /** Whether the last answer is shown below. */
  readonly showsAttempt?: boolean;
  readonly onAnswer?: (attempt: Attempt) => void;
}

interface Input {
  readonly kind: Kind;
  readonly from: string;
  readonly to: string;
  readonly amount: string;
  readonly description: string;
}

/** A form that moves money. It checks nothing by itself: the API's own errors are what it shows. */
export function MoveForm(props: MoveFormProps) {
  const { kinds, wallet_id, showsAttempt = true, onAnswer } = props;
  const context = useConsole();
  const [input, setInput] = useState<Input>(() => emptyInput(kinds));
  const [key, setKey] = useState<string | null>(null);
  const busy = useRef(false);
  const attempt = useStore(context.attempts.list).find((each) => each.key === key);
  const problem = (attempt && answerTo(attempt)?.problem) ?? null;
  const change = (some: Partial<Input>) => setInput((old) => ({ ...old, ...some }));
  const { verb, hint, icon } = WAYS[input.kind];

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // Two clicks in a row are one wish; each act has a key of its own, so the second would pay again.
    if (busy.current) return;
    busy.current = true;
    const act = actOf(context, { ...input, from: wallet_id ?? input.from });
    setKey(act.key);
    const answered = await context.attempts.act(act);
    busy.current = false;
    onAnswer?.(answered);
  };

  return (
    <form class="move-form" onSubmit={(event) => void submit(event)} noValidate>
      <Choice
        label="What to do"
        options={kinds.map((each) => [each, WAYS[each].name])}
        value={input.kind}
        onValue={(kind) => change({ kind })}
      />
      <p class="quiet">{hint}</p>
      <Inputs {...props} input={input} problem={problem} onChange={change} />
      <button type="submit" class="primary">
        <Icon name={icon} />
        {verb}
      </button>
      {showsAttempt && attempt && <AttemptCard attempt={attempt} />}
    </form>
  );
}

interface InputsProps extends Pick<MoveFormProps, "wallet_id" | "from" | "to"> {
  readonly input: Input;
  readonly problem: Problem | null;
  readonly onChange: (some: Partial<Input>) => void;
}

/** Between whom, how much, what for. */
function Inputs({ wallet_id, from = "", to = "", input, problem, onChange }: InputsProps) {
  const { receiver } = WAYS[input.kind];
  return (
    <>
      {wallet_id === undefined && (
        <WalletPicker
          label="From"
          initial={from}
          onPick={(id) => onChange({ from: id })}
          pointer="/sender_wallet_id"
          problem={problem}
        />
      )}
      {receiver !== null && (
        <WalletPicker
          label="To"
          initial={to}
          onPick={(id) => onChange({ to: id })}
          pointer={receiver}
          problem={problem}
        />
      )}
      <Field
        label="Amount"
        value={input.amount}
        onValue={(amount) => onChange({ amount })}
        pointer="/amount"
        problem={problem}
        input={{ inputMode: "decimal", placeholder: "0.00" }}
      />
      <Field
        label="Description (optional)"
        value={input.description}
        onValue={(description) => onChange({ description })}
        pointer="/description"
        problem={problem}
      />
    </>
  );
}

function emptyInput([kind = "transfer"]: readonly Kind[]): Input {
  return { kind, from: "", to: "", amount: "", description: "" };
}

function actOf({ wallet, attempts }: Console, { kind, from, to, amount, description }: Input): Act & { key: string } {
  const key = attempts.newKey();
  const more = description === "" ? {} : { description };
  const title = `${WAYS[kind].name} ${amount}`;
  const path = (verb: string) => `/wallets/${encodeURIComponent(from)}/${verb}`;
  switch (kind) {
    case "fund":
    case "withdraw":
      return { key, title, service: wallet, path: path(kind), body: { amount, ...more } };
    case "transfer":
      return { key, title, service: wallet, path: path("transfer"), body: { to_wallet_id: to, amount, ...more } };
    case "saga": {
      const body = { sender_wallet_id: from, receiver_wallet_id: to, amount, idempotency_key: key, ...more };
      return { key, title, service: wallet, path: "/transactions", body };
    }
  }
}
