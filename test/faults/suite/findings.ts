/** What clients were told held against what has happened: pure, so that it can be shown to find what is wrong. */
import type { Done } from "./attempt.ts";
import { type Chains, chainsOf, units } from "./chains.ts";
import { effectOf, effectsOfSaga, type Happened, type Saga } from "./events.ts";

export interface Findings {
  /** Answered 2xx, or refused for lack of funds, and it has not happened. */
  readonly lost: readonly string[];
  /** It has happened, and more often than anybody was told. */
  readonly doubled: readonly string[];
  /** Everything else that is wrong, in words, by its kind. */
  readonly others: Readonly<Record<string, readonly string[]>>;
}

/**
 * @param done all requests that any client has sent
 * @param events of all wallets, wallet by wallet in the order of their versions
 */
export function findingsOf(done: readonly Done[], events: readonly Happened[], sagas: readonly Saga[]): Findings {
  const broken: string[] = [];
  const chains = chainsOf(events, (what) => broken.push(what));
  return {
    ...compare(expectedOf(done, sagas), events),
    others: {
      "unfinished saga": sagas.filter(({ status }) => status === "INITIATED").map(({ id }) => id),
      "broken chain": broken,
      "answered otherwise": done.filter((each) => contradicted(each, chains)).map(told),
      "out of order": outOfOrder(done, events),
    },
  };
}

/**
 * Every attempt before is known to have done nothing, and yet it is said to have been done. The answer to a freeze names nothing of
 * its attempt, so a server that finds it again cannot tell whose it was.
 */
export function falseRepetitions(done: readonly Done[]): string[] {
  const isFreeze = ({ request: { kind } }: Done) => kind === "freeze" || kind === "unfreeze";
  return done.filter((each) => each.replayed && !each.unknown && !isFreeze(each)).map(told);
}

/** The effects of an answer, apart from what becomes of a saga. */
function effectsOf({ request: { kind }, status, answer }: Done): string[] {
  const { id, amount, code, transaction_id } = answer;
  if (status === 422) return code === "insufficient_funds" ? [`failed ${transaction_id}`] : [];
  switch (kind) {
    case "create":
      return [`opened ${id}`];
    case "fund":
      return [`funded ${id} ${amount}`];
    case "withdraw":
      return [`withdrawn ${id} ${amount}`];
    case "transfer":
      return [`sent ${id} ${amount}`, `received ${id} ${amount}`];
    case "saga":
      return [`reserved ${id} ${amount}`];
    case "freeze":
    case "unfreeze":
      return [];
  }
}

function expectedOf(done: readonly Done[], sagas: readonly Saga[]): string[] {
  const known = new Map(sagas.map((saga) => [saga.id, saga]));
  return done.flatMap((each) => {
    const saga = each.status === 202 ? known.get(each.answer.id ?? "") : undefined;
    return [...effectsOf(each), ...(saga === undefined ? [] : effectsOfSaga(saga))];
  });
}

function compare(expected: readonly string[], events: readonly Happened[]): { lost: string[]; doubled: string[] } {
  const open = new Map<string, number>();
  for (const effect of expected) open.set(effect, (open.get(effect) ?? 0) + 1);
  for (const event of events) {
    const effect = effectOf(event);
    if (effect !== undefined) open.set(effect, (open.get(effect) ?? 0) - 1);
  }
  const entries = [...open];
  return {
    lost: entries.filter(([, count]) => count > 0).map(([effect]) => effect),
    doubled: entries.filter(([, count]) => count < 0).map(([effect]) => effect),
  };
}

/** Where the answer names a version: whether the wallet was then otherwise than the answer says. */
function contradicted({ status, answer }: Done, chains: Chains): boolean {
  if (status >= 300 || status === 202) return false;
  const wallet = answer.from_wallet_id ?? answer.wallet_id ?? answer.id ?? "";
  const version = answer.from_wallet_version ?? answer.wallet_version ?? answer.version ?? 0;
  const state = chains.get(wallet)?.[version - 1];
  const balance = answer.from_balance_after ?? answer.balance_after ?? answer.balance;
  return !(
    state !== undefined &&
    balance !== undefined &&
    units(balance) === state.balance &&
    (answer.held === undefined || units(answer.held) === state.held) &&
    (answer.version === undefined || answer.status === (state.frozen ? "FROZEN" : "ACTIVE"))
  );
}

/** What was answered before another request was sent has the lower version, in every wallet that both have changed. */
function outOfOrder(done: readonly Done[], events: readonly Happened[]): string[] {
  const authors = new Map(done.flatMap((each) => effectsOf(each).map((effect) => [effect, each])));
  const found: string[] = [];
  let [wallet, latest] = ["", Number.NEGATIVE_INFINITY];
  for (const event of events) {
    if (event.wallet_id !== wallet) [wallet, latest] = [event.wallet_id, Number.NEGATIVE_INFINITY];
    const author = authors.get(effectOf(event) ?? "");
    if (author === undefined) continue;
    if (author.answered_at < latest)
      found.push(`version ${event.version} of ${wallet} was answered before one below it was asked for`);
    latest = Math.max(latest, author.sent_at);
  }
  return found;
}

function told({ request, status, answer }: Done): string {
  return `${request.path} ${JSON.stringify(request.body)}: ${status} ${JSON.stringify(answer)}`;
}
