import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { RecentEvents } from "../live/recent-events.ts";
import type { RecentPeople } from "../people/recent-people.ts";
import type { Router } from "../route.ts";
import type { Access } from "./access.ts";
import type { Attempts } from "./attempts.ts";
import type { Names } from "./names.ts";
import type { Service } from "./service.ts";
import type { Stream } from "./stream.ts";

/** What every part of the page may use. */
export interface Console {
  readonly wallet: Service;
  readonly history: Service;
  /** The key of both. */
  readonly access: Access;
  readonly attempts: Attempts;
  readonly names: Names;
  readonly stream: Stream;
  /** What has arrived of late. */
  readonly recent: RecentEvents;
  readonly people: RecentPeople;
  readonly router: Router;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const Context = createContext<Console | null>(null);

export const ConsoleProvider = Context.Provider;

export function useConsole(): Console {
  const found = useContext(Context);
  if (found === null) throw new Error("this part is drawn outside of the console");
  return found;
}
