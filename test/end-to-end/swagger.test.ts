import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { Browser } from "playwright-core";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { execute, hasBrowser, launchBrowser, openSwagger } from "./swagger-page.ts";
import { type Ground, historyOf, type Json, prepareGround, stopAll } from "./system.ts";

const [ALICE] = EXAMPLE_WALLETS;
/** A folder for pictures of the pages, to look at. */
const { SCREENSHOTS } = process.env;

let ground: Ground;
let wallet: RunningService;
let history: RunningService;

beforeAll(async () => {
  ground = await prepareGround("swagger");
  await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
  [wallet, history] = await Promise.all([spawnService("wallet", ground.env), spawnService("history", ground.env)]);
  await historyOf(history, ALICE.id, 2);
});

afterAll(() => stopAll(ground, wallet, history));

describe.skipIf(!hasBrowser)("Swagger UI works in a browser without the internet", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(() => browser?.close());

  test.each([
    ["wallet", "getWallet", "200", '"user_id": "alice"'],
    ["wallet", "transfer", "201", '"amount": "3.0000"'],
    ["wallet", "getTransaction", "200", '"type": "FUND"'],
    ["history", "listHistoryOfWallet", "200", '"event_type": "WALLET_FUNDED"'],
    ["history", "listActivityOfUser", "200", '"event_type": "WALLET_FUNDED"'],
  ] as const)("%s: %s can be executed as it is", async (name, operationId, status, shown) => {
    const { page, strangers, complaints } = await openSwagger(browser, (name === "wallet" ? wallet : history).url);
    const answer = await execute(page, operationId);
    if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/${operationId}.png`, fullPage: true });
    expect({ status: answer.status, strangers, complaints }).toEqual({ status, strangers: [], complaints: [] });
    expect(answer.body).toContain(shown);
    await page.close();
  });
});

interface Operation {
  readonly summary?: string;
  readonly responses: Readonly<
    Record<string, { content?: Record<string, { schema?: Json; example?: unknown; examples?: Json }> }>
  >;
  readonly requestBody?: { content: Record<string, { example?: unknown }> };
}

describe("the API descriptions of the running servers are valid and complete", () => {
  test.each(["wallet", "history"] as const)("%s", async (name) => {
    const service = name === "wallet" ? wallet : history;
    const document = JSON.parse(await (await fetch(`${service.url}/swagger/json`)).text());
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document);
    expect({ valid, errors: errors ?? [], version: validator.version }).toEqual({
      valid: true,
      errors: [],
      version: "3.1",
    });

    const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ route: `${method} ${path}`, operation })),
    );
    expect(operations.length).toBeGreaterThan(5);
    const incomplete = operations.filter(({ operation }) => !isComplete(operation)).map(({ route }) => route);
    expect(incomplete).toEqual([]);
  });
});

/** A summary, an example of the answer and of the body, and the errors as problems with an example each. */
function isComplete({ summary, responses, requestBody }: Operation): boolean {
  const contents = (wanted: (status: string) => boolean) =>
    Object.entries(responses)
      .filter(([status]) => wanted(status))
      .flatMap(([, { content = {} }]) => Object.entries(content));
  const answers = contents((status) => status.startsWith("2"));
  const problems = contents((status) => /^[45]/.test(status));
  return (
    (summary ?? "").length > 0 &&
    answers.length > 0 &&
    answers.every(([, { example, schema }]) => example !== undefined && schema !== undefined) &&
    problems.some(([, { examples }]) => "internal_error" in (examples ?? {})) &&
    problems.every(
      ([type, { examples }]) => type === "application/problem+json" && Object.keys(examples ?? {}).length > 0,
    ) &&
    Object.values(requestBody?.content ?? {}).every(({ example }) => example !== undefined)
  );
}
