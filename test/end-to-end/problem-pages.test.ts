import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { makeApiKey } from "../../shared/http/api-keys.ts";
import { EXAMPLES } from "../../shared/http/problem-examples.ts";
import { PROBLEM_CODES, type ProblemCode } from "../../shared/http/problems.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { Shell } from "./document.ts";
import { expectInvariants, type Ground, historyOf, isAtWork, prepareGround, stopAll } from "./system.ts";

/** Codes that no request brings about by itself: they take a fault, a stalled client or a dead letter. */
const NOT_BY_A_REQUEST = [
  "request_timeout",
  "idempotency_in_progress",
  "not_replayable",
  "internal_error",
  "unavailable",
  "overloaded",
  "outcome_unknown",
];

const failing = PROBLEM_CODES.filter((code) => EXAMPLES[code].fails !== undefined);

describe("the page of each problem is true", () => {
  let ground: Ground;
  let wallet: RunningService;
  let history: RunningService;
  /** A wallet server that lets in whoever has a key, and one that lets in everybody, but not as often as they like. */
  let guarded: RunningService;
  let limited: RunningService;
  let shells: Readonly<Record<"plain" | "API_KEYS" | "RATE_LIMIT", Shell>>;

  beforeAll(async () => {
    ground = await prepareGround("problem pages");
    await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
    const [all, read] = [makeApiKey({ name: "all", role: "admin" }), makeApiKey({ name: "reader", role: "read" })];
    [wallet, history, guarded, limited] = await Promise.all([
      spawnService("wallet", ground.env),
      spawnService("history", ground.env),
      spawnService("wallet", { ...ground.env, API_KEYS: `${all.entry},${read.entry}` }),
      spawnService("wallet", { ...ground.env, RATE_LIMIT: "60/m burst 20" }),
    ]);
    await Promise.all([wallet, history, guarded, limited].map(isAtWork));
    await historyOf(history, EXAMPLE_WALLETS[0].id, 2);
    const shellOn = ({ url }: RunningService): Shell => new Shell({ wallet: url, history: history.url });
    shells = { plain: shellOn(wallet), API_KEYS: shellOn(guarded), RATE_LIMIT: shellOn(limited) };
    await shells.API_KEYS.run(`API_KEY=${all.key} READ_KEY=${read.key}`);
  });

  afterAll(async () => {
    await Promise.all(Object.values(shells).map((shell) => shell.close()));
    await expectInvariants(ground);
    await stopAll(ground, wallet, history, guarded, limited);
  });

  const shellFor = (code: ProblemCode): Shell => shells[EXAMPLES[code].setting ?? "plain"];

  test("every code that a request can bring about has one", () => {
    const without = PROBLEM_CODES.filter((code) => !failing.includes(code));
    expect(without).toEqual(PROBLEM_CODES.filter((code) => NOT_BY_A_REQUEST.includes(code)));
  });

  test.each(failing)("%s: a request that gets it", async (code) => {
    const answer = JSON.parse(await shellFor(code).run(EXAMPLES[code].fails ?? ""));
    expect(answer).toMatchObject({ code, type: `/problems/${code}` });
  });

  test.each([...PROBLEM_CODES])("%s: a request that succeeds", async (code) => {
    const answer = JSON.parse(await shellFor(code).run(EXAMPLES[code].succeeds));
    expect(answer.code).toBeUndefined();
    expect(answer.id ?? answer.items ?? answer.wallet_id).toBeDefined();
  });

  test.each([...PROBLEM_CODES])("%s: the page shows both, on both servers", async (code) => {
    for (const { url } of [wallet, history]) {
      const response = await fetch(`${url}/problems/${code}`);
      expect(response.status).toBe(200);
      const page = await response.text();
      const { fails, succeeds, rule } = EXAMPLES[code];
      for (const text of [rule, succeeds, ...(fails === undefined ? [] : [fails])]) {
        expect(page).toContain(Bun.escapeHTML(text));
      }
    }
  });
});
