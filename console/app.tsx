import { useEffect, useRef } from "preact/hooks";
import { type Console, ConsoleProvider, useConsole } from "./api/context.ts";
import { type Store, useStore } from "./api/store.ts";
import { AccountView } from "./ledger/account-view.tsx";
import { LedgerView } from "./ledger/ledger-view.tsx";
import { MovementView } from "./ledger/movement-view.tsx";
import { LiveView } from "./live/live-view.tsx";
import { MoveView } from "./move/move-view.tsx";
import { Icon, type IconName } from "./parts/icons.tsx";
import { KeyForm } from "./parts/key-form.tsx";
import { PeopleView } from "./people/people-view.tsx";
import { hrefOf, type Route } from "./route.ts";
import { SagaView } from "./saga/saga-view.tsx";
import { SystemView } from "./system/system-view.tsx";
import { nextTheme, type Theme } from "./theme.ts";
import { WalletView } from "./wallet/wallet-view.tsx";

/** The frame around the views: where one is, where one can go, and whether the history is there. */
export function App({ context, theme }: { readonly context: Console; readonly theme: Store<Theme> }) {
  return (
    <ConsoleProvider value={context}>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <div class="frame">
        <header class="side">
          <a class="brand" href="#/">
            <img src="console/icon.svg" alt="" width="28" height="28" />
            Wallet console
          </a>
          <Navigation />
          <div class="side-end">
            <StreamLight />
            <ForgetKey />
            <ThemeSwitch theme={theme} />
          </div>
        </header>
        <Content />
      </div>
    </ConsoleProvider>
  );
}

function skip(): void {
  document.querySelector<HTMLElement>("main h1")?.focus();
}

interface Place {
  readonly name: string;
  readonly icon: IconName;
  readonly route: Route;
  readonly views: readonly Route["view"][];
}

const PLACES: readonly Place[] = [
  { name: "Wallets", icon: "wallet", route: { view: "people", user: null }, views: ["people", "wallet"] },
  { name: "Move", icon: "move", route: { view: "move" }, views: ["move", "saga"] },
  { name: "Live", icon: "live", route: { view: "live", movement: null }, views: ["live"] },
  { name: "Ledger", icon: "ledger", route: { view: "ledger" }, views: ["ledger", "account", "movement"] },
  { name: "System", icon: "system", route: { view: "system" }, views: ["system"] },
];

function Navigation() {
  const { view } = useStore(useConsole().router.route);
  return (
    <nav aria-label="Views">
      {PLACES.map(({ name, icon, route, views }) => (
        <a key={name} href={hrefOf(route)} aria-current={views.includes(view) ? "page" : undefined}>
          <Icon name={icon} />
          {name}
        </a>
      ))}
    </nav>
  );
}

const STREAM_WORDS = {
  connecting: "Connecting …",
  live: "Live",
  lost: "History away, trying again",
  barred: "Waiting for a key",
} as const;

function StreamLight() {
  const state = useStore(useConsole().stream.state);
  return (
    <p class={`stream-light ${state}`} role="status">
      <span class="light" aria-hidden="true" />
      {STREAM_WORDS[state]}
    </p>
  );
}

/** Ends the use of the key: the page is loaded anew, so that nothing that was read with it stays on show. */
function ForgetKey() {
  const { access } = useConsole();
  if (useStore(access.state).key === null) return null;
  const forget = (): void => {
    access.forget();
    location.reload();
  };
  return (
    <button type="button" class="theme" aria-label="Forget the API key" title="Forget the API key" onClick={forget}>
      <Icon name="lock" />
    </button>
  );
}

const THEME_ICONS: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };

function ThemeSwitch({ theme }: { readonly theme: Store<Theme> }) {
  const current = useStore(theme);
  const next = nextTheme(current);
  return (
    <button
      type="button"
      class="theme"
      aria-label={`Colours: ${current}. Change to ${next}`}
      title={`Colours: ${current}`}
      onClick={() => theme.set(() => next)}
    >
      <Icon name={THEME_ICONS[current]} />
    </button>
  );
}

function Content() {
  const { router, access } = useConsole();
  const route = useStore(router.route);
  const { wanted } = useStore(access.state);
  const main = useRef<HTMLElement>(null);
  const place = `${wanted} ${route.view} ${"id" in route ? route.id : ""}${"user" in route ? route.user : ""}`;
  const first = useRef(true);
  // Who cannot see the change of view is told of it by the focus on its headline.
  useEffect(() => {
    const headline = main.current?.querySelector("h1");
    document.title = `${headline?.textContent ?? ""} · Wallet console`;
    if (!first.current) {
      headline?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [place]);
  return (
    <main ref={main}>
      <StreamNotice />
      {wanted ? <KeyForm access={access} /> : <View key={place} route={route} />}
    </main>
  );
}

/** What works and what does not while the history service is away. */
function StreamNotice() {
  const { stream, history } = useConsole();
  if (useStore(stream.state) !== "lost") return null;
  return (
    <p class="notice" role="status">
      The history service does not answer at <code>{history.url}</code>. Wallets and money work; histories, the ledger
      and live events come back by themselves when it does.
    </p>
  );
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "people":
      return <PeopleView user={route.user} />;
    case "wallet":
      return <WalletView id={route.id} at={route.at} />;
    case "move":
      return <MoveView />;
    case "saga":
      return <SagaView id={route.id} />;
    case "live":
      return <LiveView movement={route.movement} />;
    case "ledger":
      return <LedgerView />;
    case "account":
      return <AccountView id={route.id} />;
    case "movement":
      return <MovementView id={route.id} />;
    case "system":
      return <SystemView />;
    case "unknown":
      return (
        <>
          <h1 tabIndex={-1}>Nothing here</h1>
          <p>
            There is no such view. <a href="#/">All wallets</a>
          </p>
        </>
      );
  }
}
