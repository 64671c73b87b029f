import { useState } from "preact/hooks";
import type { Access } from "../api/access.ts";
import { useStore } from "../api/store.ts";
import { Card } from "./basics.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icons.tsx";

/** Asks for the key that the services want before they answer. */
export function KeyForm({ access }: { readonly access: Access }) {
  const { key } = useStore(access.state);
  const [text, setText] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const given = text.trim();
    if (given === "") return;
    setText("");
    access.give(given);
  };
  return (
    <>
      <h1 tabIndex={-1}>API key</h1>
      <Card title="This system asks for an API key">
        <form class="move-form" onSubmit={submit} noValidate>
          {key !== null && (
            <p class="problem" role="alert">
              The key was not accepted.
            </p>
          )}
          <Field
            label="API key"
            value={text}
            onValue={setText}
            input={{ type: "password" }}
            hint="Whoever runs the system has it. It stays in this tab, until the tab is closed."
          />
          <button type="submit" class="primary">
            <Icon name="unlock" />
            Use this key
          </button>
        </form>
      </Card>
    </>
  );
}
