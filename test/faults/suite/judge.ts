/** Holds what clients were told against what has happened. */
import { check } from "../../../sql/check.ts";
import { until } from "../../until.ts";
import { readEvents, readSagas } from "./events.ts";
import { falseRepetitions, findingsOf } from "./findings.ts";
import type { Scene } from "./scene.ts";

export interface Verdict {
  /** Answered 2xx, or refused for lack of funds, and it has not happened. */
  readonly lost: number;
  /** It has happened, and more often than anybody was told. */
  readonly doubled: number;
  /** Everything that is wrong, these two included, in words. */
  readonly wrong: readonly string[];
}

export interface JudgeOptions {
  /** A gateway may have sent a request twice, so an answer to the client's first attempt may be a repetition. */
  readonly resentByGateway: boolean;
  /** Checks that the fault itself makes fail, which are judged by the fault. */
  readonly except: readonly string[];
}

const REST_WITHIN_MS = 90_000;
const LOOK_MS = 250;
/** Of one kind of fault, so many are told. */
const MOST_TOLD = 5;

export async function judge(scene: Scene, options: JudgeOptions): Promise<Verdict> {
  const wrong: string[] = [...scene.wrong, ...scene.load.wrong];
  await rest(scene).catch((error: unknown) => wrong.push(String(error)));
  const [events, sagas] = await scene.asOwner((sql) => Promise.all([readEvents(sql), readSagas(sql)]));
  const { done } = scene.load;
  const { lost, doubled, others } = findingsOf(done, events, sagas);
  const repetitions = options.resentByGateway ? [] : falseRepetitions(done);
  for (const [kind, found] of Object.entries({ lost, doubled, ...others, "not a repetition": repetitions }))
    wrong.push(...few(kind, found));
  wrong.push(...(await brokenInvariants(scene, options.except)));
  return { lost: lost.length, doubled: doubled.length, wrong };
}

/** Until every saga is final and every event in the history. */
async function rest(scene: Scene): Promise<void> {
  await until(
    () =>
      scene.asOwner(async (sql) => {
        const [row] = await sql<{ sagas: number; events: number }[]>`
          select (select count(*)::int from wallet.transfer_sagas where status = 'INITIATED') as sagas,
                 ((select sum(version) from wallet.wallets) - (select count(*) from history.transaction_events))::int as events`;
        if (row?.sagas === 0 && row.events === 0) return true;
        throw new Error(`under way: ${row?.sagas} sagas, ${row?.events} events`);
      }),
    { timeout_ms: REST_WITHIN_MS, interval_ms: LOOK_MS, what: "every saga is final, every event in the history" },
  );
}

/** `bun run check`, for as long as something may still be on its way. */
async function brokenInvariants(scene: Scene, except: readonly string[]): Promise<string[]> {
  const { url } = scene.ground.database;
  const deadline = performance.now() + REST_WITHIN_MS;
  for (;;) {
    const { results } = await check({ wallet: url, history: url }, { wait_ms: 0 });
    const broken = results.filter(({ holds, name }) => holds === false && !except.includes(name));
    if (broken.every(({ at_rest }) => !at_rest) || performance.now() > deadline)
      return broken.map(({ name, where, offending }) => {
        return `${name} (${where}): ${JSON.stringify(offending.slice(0, MOST_TOLD))}`;
      });
    await Bun.sleep(LOOK_MS);
  }
}

function few(kind: string, all: readonly string[]): string[] {
  const more = all.length - MOST_TOLD;
  return [...all.slice(0, MOST_TOLD).map((what) => `${kind}: ${what}`), ...(more > 0 ? [`${kind}: ${more} more`] : [])];
}
