import { render } from "preact";
import { createAccess } from "./api/access.ts";
import { createAttempts, randomKey } from "./api/attempts.ts";
import type { Console } from "./api/context.ts";
import { createNames } from "./api/names.ts";
import type { Service } from "./api/service.ts";
import { createStream } from "./api/stream.ts";
import { App } from "./app.tsx";
import { createRecentEvents } from "./live/recent-events.ts";
import { createRecentPeople } from "./people/recent-people.ts";
import { createRouter } from "./route.ts";
import { createTheme } from "./theme.ts";

/** The console: addresses → connections → the page. */

const access = createAccess(sessionStorage);
const wallet: Service = { name: "wallet", url: addressOf("."), access };
const history: Service = {
  name: "history",
  url: addressOf(document.querySelector<HTMLMetaElement>('meta[name="history"]')?.content ?? "/history"),
  access,
};
const now = () => performance.timeOrigin + performance.now();

const stream = createStream({ history, now });
const theme = createTheme(document.documentElement, localStorage);
const context: Console = {
  wallet,
  history,
  access,
  stream,
  now,
  attempts: createAttempts({ newKey: randomKey, now }),
  names: createNames(wallet),
  recent: createRecentEvents(stream),
  people: createRecentPeople(localStorage),
  router: createRouter(window),
};

const place = document.getElementById("console");
if (place === null) throw new Error("the page has no place for the console");
render(<App context={context} theme={theme} />, place);
stream.start();

/** An address relative to the page's own, which a proxy may have put under a prefix. */
function addressOf(relative: string): string {
  return new URL(relative, location.origin + location.pathname).href.replace(/\/$/, "");
}
