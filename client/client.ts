import { type Treaty, treaty } from "@elysiajs/eden";
import type { createApp as createHistory } from "../history/app.ts";
import type { createApp as createWallet } from "../wallet/app.ts";
import type { HistoryAnswers, WalletAnswers } from "./answers.ts";
import { mended } from "./paths.ts";
import { pause } from "./pause.ts";
import { type Sending, sendWith } from "./send.ts";
import type { Typed } from "./typed.ts";

/** The wallet service: `client.wallets.post({ user_id })`, `client.wallets({ id }).transfer.post({ … })`. */
export type WalletClient = Treaty.Create<WalletApp>;
type WalletApp = Typed<ReturnType<typeof createWallet>, WalletAnswers>;

/** The history service: `client.wallets({ id }).history.get({ query })`, `client.ledger["trial-balance"].get()`. */
export type HistoryClient = Treaty.Create<HistoryApp>;
type HistoryApp = Typed<ReturnType<typeof createHistory>, HistoryAnswers>;

export interface ClientOptions {
  /** Where the service is, with a proxy's prefix where there is one: `http://localhost:3000`, `https://pay.example/wallet`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`, where the service asks for one. */
  readonly apiKey?: string;
  /** How often one request is sent at most; 1 is never again. */
  readonly triesMax?: number;
  /** Milliseconds for all tries of a request together. `Prefer: wait=N` adds N seconds, to this and to each try. */
  readonly deadlineMs?: number;
  /** Milliseconds for one try. */
  readonly tryMs?: number;
  /** What carries the requests, clocks and chance, where the runtime's own will not do. */
  readonly sending?: Partial<Omit<Sending, "triesMax" | "deadlineMs" | "tryMs">>;
}

/** With the pauses between them, what a restart of a server or of its database takes. */
const TRIES_MAX = 8;
const DEADLINE_MS = 30_000;
/** Longer than any answer of the API: what has not come by then never comes. */
const TRY_MS = 10_000;

export function walletClient(options: ClientOptions): WalletClient {
  return mended(treaty<WalletApp>(addressOf(options), configOf(options)));
}

export function historyClient(options: ClientOptions): HistoryClient {
  return mended(treaty<HistoryApp>(addressOf(options), configOf(options)));
}

function configOf({ apiKey, triesMax = TRIES_MAX, deadlineMs = DEADLINE_MS, tryMs = TRY_MS, sending }: ClientOptions) {
  return {
    fetcher: sendWith({ ...RUNTIME, ...sending, triesMax, deadlineMs, tryMs }),
    ...(apiKey !== undefined && { headers: { authorization: `Bearer ${apiKey}` } }),
    // Times stay the texts that they are: a Date would drop their microseconds.
    parseDate: false,
    // The address is taken as it is given; Eden would guess at one without a scheme.
    keepDomain: true,
    // What is no answer of the API is thrown; a refusal is a value.
    throwHttpError: ({ value }: { readonly value: unknown }) => value instanceof Error,
  };
}

/** What every runtime with the web's APIs has. */
const RUNTIME: Omit<Sending, "triesMax" | "deadlineMs" | "tryMs"> = {
  fetch: globalThis.fetch,
  newKey: () => crypto.randomUUID(),
  now: () => performance.now(),
  date: () => Date.now(),
  chance: () => Math.random(),
  pause,
};

function addressOf({ url }: ClientOptions): string {
  return url.replace(/\/+$/, "");
}
