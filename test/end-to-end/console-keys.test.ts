/** The console on servers that ask for API keys, in a real browser. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { EXAMPLE_WALLETS } from "../../dev/seed.ts";
import { makeApiKey } from "../../shared/http/api-keys.ts";
import { until } from "../cluster.ts";
import {
  type ConsoleSystem,
  clipboard,
  figure,
  isLive,
  move,
  openConsole,
  startConsole,
  timeline,
  violations,
  type WatchedConsole,
} from "./console-page.ts";
import { execute, hasBrowser, launchBrowser, openSwagger } from "./swagger-page.ts";
import { stopAll } from "./system.ts";

const [ALICE] = EXAMPLE_WALLETS;
const SHOP = makeApiKey({ name: "shop", role: "write" });
const OFFICE = makeApiKey({ name: "office", role: "admin" });

let system: ConsoleSystem;
let browser: Browser;
let watched: WatchedConsole;
const asked: string[] = [];

beforeAll(async () => {
  if (!hasBrowser) return;
  const env = { API_KEYS: `${SHOP.entry},${OFFICE.entry}` };
  [system, browser] = await Promise.all([startConsole("console-keys", env), launchBrowser()]);
  const addresses = { url: system.wallet.url, also: [system.history.url] };
  watched = await openConsole(browser, addresses, `#/wallets/${ALICE.id}`);
  watched.page.on("request", (request) => void asked.push(request.url()));
});

afterAll(async () => {
  await browser?.close();
  if (system) await stopAll(system, system.wallet, system.history);
});

async function give(page: Page, key: string): Promise<void> {
  await page.getByLabel("API key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Use this key" }).click();
}

const stored = (page: Page) =>
  page.evaluate<string[]>("[...Object.values(sessionStorage), '|', ...Object.values(localStorage), document.cookie]");

describe.skipIf(!hasBrowser)("the console asks for a key where the servers do", () => {
  test("before anything is shown, and again where it is a wrong one", async () => {
    const { page } = watched;
    expect(await page.locator("h1").textContent()).toBe("API key");
    await page.getByText("Waiting for a key").waitFor();
    expect(await page.locator(".notice").count()).toBe(0);
    await give(page, "dw_wrong");
    await page.getByRole("alert").getByText("The key was not accepted.").waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page)).toEqual([]);
    }
  });

  test("then shows the view that was asked for, live", async () => {
    const { page } = watched;
    await give(page, SHOP.key);
    await isLive(page);
    expect(await timeline(page, 2)).toHaveLength(2);
    await move(page, "Fund", { Amount: "12.34" });
    expect(await timeline(page, 3)).toHaveLength(3);
    await page.reload();
    await isLive(page);
    await figure(page, "Balance").waitFor();
    expect((await stored(page)).indexOf(SHOP.key)).toBe(0);
    expect((await stored(page)).join(" ").split("|")[1]).not.toContain(SHOP.key);
  });

  test("what the key's role may not do is told", async () => {
    const { page } = watched;
    await page.getByRole("button", { name: "Freeze", exact: true }).click();
    await page.getByText("The API key of shop has the role write; this needs admin.").first().waitFor();
  });

  test("a copied command names the shell's key and not the page's", async () => {
    const { page } = watched;
    await move(page, "Withdraw", { Amount: "1" });
    const attempt = page.getByRole("article", { name: "Withdraw 1" });
    await attempt.locator(".badge", { hasText: "201" }).waitFor();
    await attempt.getByRole("button", { name: "Copy as curl" }).click();
    await attempt.getByText("Copied").waitFor();
    const command = await clipboard(page);
    expect(command).not.toContain(SHOP.key);
    const run = Bun.spawnSync(["sh", "-c", command], { env: { ...process.env, API_KEY: SHOP.key } });
    expect(run.stdout.toString()).toMatch(/^HTTP\/1.1 201(.|\s)*idempotency-replayed: true/i);
  });

  test("the key can be forgotten, and another one used", async () => {
    const { page } = watched;
    await page.getByRole("button", { name: "Forget the API key" }).click();
    await page.getByRole("button", { name: "Use this key" }).waitFor();
    expect((await stored(page)).join(" ")).not.toContain(SHOP.key);
    await give(page, OFFICE.key);
    await page.getByRole("button", { name: "Freeze", exact: true }).click();
    await until(async () => (await figure(page, "Status").textContent()) === "frozen");
    await page.getByRole("button", { name: "Unfreeze", exact: true }).click();
    await until(async () => (await figure(page, "Status").textContent()) === "active");
  });

  test("Swagger UI sends the key that it is given", async () => {
    const { page, strangers } = await openSwagger(browser, system.wallet.url);
    expect((await execute(page, "getWallet")).status).toBe("401");
    await page.locator(".auth-wrapper .authorize").first().click();
    const dialog = page.locator(".dialog-ux");
    await dialog.locator("input").fill(SHOP.key);
    await dialog.getByRole("button", { name: "Apply credentials" }).click();
    await dialog.getByRole("button", { name: "Close" }).last().click();
    expect((await execute(page, "listWalletsOfUser")).status).toBe("200");
    expect(strangers).toEqual([]);
    await page.close();
  });

  test("no key was ever in an address, and the page asked no stranger and did not complain", () => {
    expect(asked.length).toBeGreaterThan(20);
    for (const key of [SHOP.key, OFFICE.key]) expect(asked.filter((url) => url.includes(key))).toEqual([]);
    expect([watched.strangers, watched.complaints]).toEqual([[], []]);
    expect(system.wallet.output() + system.history.output()).not.toContain(SHOP.key);
  });
});
