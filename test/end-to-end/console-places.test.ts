import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { type Gateway, startGateway } from "../gateway.ts";
import { card, isLive, openConsole } from "./console-page.ts";
import { hasBrowser, launchBrowser } from "./swagger-page.ts";
import { type Ground, historyOf, isAtWork, prepareGround, stopAll } from "./system.ts";

const [ALICE] = EXAMPLE_WALLETS;

let ground: Ground;
let wallet: RunningService;
let history: RunningService;
let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  if (!hasBrowser) return;
  ground = await prepareGround("places");
  await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
  // Nobody tells them of each other: behind a gateway they are at one address.
  [wallet, history] = await Promise.all([spawnService("wallet", ground.env), spawnService("history", ground.env)]);
  await Promise.all([wallet, history].map(isAtWork));
  await historyOf(history, ALICE.id, 2);
  gateway = await startGateway({ wallet: [wallet.url], history: [history.url] });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  if (ground) await stopAll(ground, wallet, history);
});

describe.skipIf(!hasBrowser)("the console finds both services", () => {
  test.each(["", "/wallet"])("behind the gateway, at %s/", async (prefix) => {
    const url = `${gateway.url}${prefix}`;
    const { page, strangers, complaints } = await openConsole(browser, { url }, `#/wallets/${ALICE.id}`);
    await isLive(page);
    const before = await page.locator(".timeline li").count();
    await page.getByLabel("Amount").fill("1");
    await page.getByRole("button", { name: "Fund", exact: true }).click();
    await page.locator(".timeline li").nth(before).waitFor();
    await page.goto(`${url}/#/system`);
    await card(page, "The history service").locator(".checks").waitFor();
    expect({ strangers, complaints }).toEqual({ strangers: [], complaints: [] });
    await page.context().close();
  });

  test("or says what is missing, and does what it can", async () => {
    const { page } = await openConsole(browser, { url: wallet.url }, `#/wallets/${ALICE.id}`);
    await page.getByText(`The history service does not answer at ${wallet.url}/history`).waitFor();
    await page.getByLabel("Amount").fill("1");
    await page.getByRole("button", { name: "Fund", exact: true }).click();
    await page.getByRole("article", { name: "Fund 1" }).locator(".badge", { hasText: "201" }).waitFor();
    await page.context().close();
  });
});
