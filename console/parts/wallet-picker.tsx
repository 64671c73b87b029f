import { useEffect, useId, useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useResource } from "../api/resource.ts";
import { call, type Result, type Service } from "../api/service.ts";
import type { List, Problem, Wallet } from "../api/wire.ts";
import { formatMoney } from "../money.ts";
import { Field } from "./field.tsx";

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A person who types is not asked about at every letter. */
const TYPING_MS = 200;

export interface WalletPickerProps {
  readonly label: string;
  /** What is in the field at first: a user or a wallet's id. */
  readonly initial?: string;
  /** The id of the wallet that is meant; whatever was typed where that is no wallet, for the API to judge. */
  readonly onPick: (wallet_id: string) => void;
  readonly pointer: string;
  readonly problem: Problem | null;
}

/** A wallet, by its id or by its owner's name. */
export function WalletPicker({ label, initial = "", onPick, pointer, problem }: WalletPickerProps) {
  const { wallet: service, names } = useConsole();
  const [text, setText] = useState(initial);
  const asked = useSettled(text.trim());
  const { value: wallets } = useResource(`pick ${asked}`, (signal) => find(service, asked, signal));
  const [chosen, setChosen] = useState<string | null>(null);
  // While somebody types, what was found is another text's: money must not go there.
  const found = asked === text.trim() ? wallets : null;
  const picked = found?.find(({ id }) => id === chosen) ?? found?.[0];

  useEffect(() => onPick(picked?.id ?? text.trim()), [picked?.id, text]);
  useEffect(() => names.learn(wallets ?? []), [wallets]);

  return (
    <div class="picker">
      <Field
        label={label}
        value={text}
        onValue={setText}
        pointer={pointer}
        problem={problem}
        hint={hintOf(asked, found, picked)}
        input={{ placeholder: "a person, or a wallet’s id" }}
      />
      {found !== null && found.length > 1 && <Several wallets={found} picked={picked} onChoose={setChosen} />}
    </div>
  );
}

interface SeveralProps {
  readonly wallets: readonly Wallet[];
  readonly picked: Wallet | undefined;
  readonly onChoose: (id: string) => void;
}

function Several({ wallets, picked, onChoose }: SeveralProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Which of the wallets</label>
      <select id={id} value={picked?.id ?? ""} onChange={(event) => onChoose(event.currentTarget.value)}>
        {wallets.map((each) => (
          <option key={each.id} value={each.id}>
            {summary(each)}, …{each.id.slice(-6)}
          </option>
        ))}
      </select>
    </div>
  );
}

function summary({ available, currency, status }: Wallet): string {
  return `${formatMoney(available)} ${currency}${status === "FROZEN" ? ", frozen" : ""}`;
}

function hintOf(asked: string, wallets: readonly Wallet[] | null, picked: Wallet | undefined): string {
  if (asked === "" || wallets === null) return " ";
  if (picked === undefined) return UUID.test(asked) ? "No wallet has this id." : `${asked} has no wallet.`;
  return `${picked.user_id}: ${summary(picked)} available`;
}

async function find(service: Service, asked: string, signal: AbortSignal): Promise<Result<readonly Wallet[]>> {
  if (asked === "") return { ok: true, value: [], status: 200, headers: new Headers() };
  if (!UUID.test(asked)) {
    const path = `/users/${encodeURIComponent(asked)}/wallets`;
    const found = await call<List<Wallet>>(service, { method: "GET", path, signal });
    return found.ok ? { ...found, value: found.value.items } : found;
  }
  const found = await call<Wallet>(service, { method: "GET", path: `/wallets/${asked}`, signal });
  return found.ok ? { ...found, value: [found.value] } : found;
}

/** The text once it has stayed the same for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
