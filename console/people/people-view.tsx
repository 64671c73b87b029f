import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import { useStore } from "../api/store.ts";
import { Card } from "../parts/basics.tsx";
import { Icon } from "../parts/icons.tsx";
import { hrefOf } from "../route.ts";
import { OpenWallet } from "./open-wallet.tsx";
import { WalletsOf } from "./wallets-of.tsx";

/** How many people are shown on the first page, newest first. */
const SHOWN_PEOPLE = 4;

/** The wallets of one person, or of those who were looked at last. */
export function PeopleView({ user }: { readonly user: string | null }) {
  const { people } = useConsole();
  const recent = useStore(people.users);
  useEffect(() => {
    if (user !== null) people.add(user);
  }, [user, people]);
  const shown = user === null ? recent.slice(0, SHOWN_PEOPLE) : [user];
  return (
    <>
      <h1 tabIndex={-1}>{user === null ? "Wallets" : `Wallets of ${user}`}</h1>
      <FindPerson key={user ?? ""} user={user} />
      <div class="columns reversed">
        <div class="wide stack">
          {shown.map((each) => (
            <WalletsOf key={each} user={each} />
          ))}
        </div>
        <Card title="Open a wallet">
          <OpenWallet key={user ?? ""} user={user ?? ""} />
        </Card>
      </div>
    </>
  );
}

function FindPerson({ user }: { readonly user: string | null }) {
  const { router } = useConsole();
  const [text, setText] = useState(user ?? "");
  const submit = (event: Event): void => {
    event.preventDefault();
    if (text.trim() !== "") router.go({ view: "people", user: text.trim() });
  };
  return (
    <form class="find" onSubmit={submit}>
      <label for="person" class="unseen">
        Whose wallets
      </label>
      <input
        id="person"
        value={text}
        placeholder="Whose wallets? A user id, such as alice"
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="primary">
        Show
      </button>
      {user !== null && (
        <a class="action" href={hrefOf({ view: "people", user: null })}>
          <Icon name="cross" />
          Back to all
        </a>
      )}
    </form>
  );
}
