import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { type Browser, chromium, type Page } from "playwright-core";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { type Ground, historyOf, type Json, prepareGround, stopAll } from "./system.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
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

/** A page that can reach nothing but the server, and what it said and asked for. */
interface Watched {
  readonly page: Page;
  readonly strangers: string[];
  readonly complaints: string[];
}

async function openSwagger(browser: Browser, { url }: RunningService): Promise<Watched> {
  const page = await browser.newPage();
  const strangers: string[] = [];
  const complaints: string[] = [];
  await page.route("**/*", (route) => {
    const asked = route.request().url();
    if (new URL(asked).origin === new URL(url).origin || asked.startsWith("data:")) return route.continue();
    strangers.push(asked);
    return route.abort();
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  await page.goto(`${url}/swagger`);
  await page.locator(".opblock").first().waitFor();
  return { page, strangers, complaints };
}

/** Opens the operation, executes it with the examples that it comes with, and gives the status and body that are shown. */
async function execute(page: Page, operationId: string): Promise<{ status: string; body: string }> {
  const block = page.locator(`.opblock[id$="-${operationId}"]`);
  await block.locator(".opblock-summary-control").click();
  // "Try it out" is on from the start.
  await block.getByRole("button", { name: "Execute" }).click();
  const live = block.locator(".live-responses-table");
  await live.waitFor();
  const status = await live.locator("td.response-col_status").last().textContent();
  return { status: (status ?? "").trim(), body: (await live.locator(".highlight-code").first().textContent()) ?? "" };
}

describe.skipIf(!existsSync(CHROMIUM))("Swagger UI works in a browser without the internet", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  afterAll(() => browser?.close());

  test.each([
    ["wallet", "getWallet", "200", '"user_id": "alice"'],
    ["wallet", "transfer", "201", '"amount": "3.0000"'],
    ["wallet", "getTransaction", "200", '"type": "FUND"'],
    ["history", "listHistoryOfWallet", "200", '"event_type": "WALLET_FUNDED"'],
    ["history", "listActivityOfUser", "200", '"event_type": "WALLET_FUNDED"'],
  ] as const)("%s: %s can be executed as it is", async (name, operationId, status, shown) => {
    const { page, strangers, complaints } = await openSwagger(browser, name === "wallet" ? wallet : history);
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
