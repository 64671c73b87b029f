/** The console in a real browser, on a real system, as tests use it. */
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { freePort } from "../../dev/ports.ts";
import { seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { spawnService } from "../cluster.ts";
import { isAtWork, prepareGround, type RunningSystem } from "./system.ts";

export interface ConsoleSystem extends RunningSystem {
  /** The variables of the history server: with them it can be started again where it was. */
  readonly historyEnv: Readonly<Record<string, string>>;
}

/**
 * Both servers with the example wallets, told of each other's addresses as `bun start` does.
 *
 * @param more variables of both
 */
export async function startConsole(label: string, more: Readonly<Record<string, string>> = {}): Promise<ConsoleSystem> {
  const ground = await prepareGround(label);
  await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
  const [walletPort, historyPort] = [String(await freePort()), String(await freePort())];
  const historyUrl = `http://127.0.0.1:${historyPort}`;
  const historyEnv = { ...ground.env, ...more, PORT: historyPort, CORS_ORIGINS: `http://127.0.0.1:${walletPort}` };
  const [wallet, history] = await Promise.all([
    spawnService("wallet", { ...ground.env, ...more, PORT: walletPort, CONSOLE_HISTORY_URL: historyUrl }),
    spawnService("history", historyEnv),
  ]);
  await Promise.all([wallet, history].map(isAtWork));
  return { ...ground, wallet, history, historyEnv };
}

/** A page of the console that can reach nothing but the two servers, and what it said and asked for. */
export interface WatchedConsole {
  readonly page: Page;
  readonly strangers: string[];
  readonly complaints: string[];
}

export interface ConsoleAddresses {
  /** Where the page is, with its prefix if it has one. */
  readonly url: string;
  /** Other places that it may talk to. */
  readonly also?: readonly string[];
}

/** @param hash the view: `#/live` */
export async function openConsole(
  browser: Browser,
  { url, also = [] }: ConsoleAddresses,
  hash: string,
  options: BrowserContextOptions = {},
): Promise<WatchedConsole> {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  const strangers: string[] = [];
  const complaints: string[] = [];
  const friends = new Set([url, ...also].map((each) => new URL(each).origin));
  await page.route("**/*", (route) => {
    const asked = route.request().url();
    if (friends.has(new URL(asked).origin)) return route.continue();
    strangers.push(asked);
    return route.abort();
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refusal by the API is shown by the page; that the browser notes it too is nothing to complain of.
    const isRefusal = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  await page.goto(`${url}/${hash}`);
  await page.locator("h1").waitFor();
  return { page, strangers, complaints };
}

/** A card by its headline. */
export function card(page: Page, title: string): Locator {
  return page.getByRole("region", { name: title, exact: true });
}

/** The stream is open: what happens from now on is shown without a reload. */
export function isLive(page: Page): Promise<void> {
  return page.locator(".stream-light.live").waitFor();
}

/** The titles of the timeline, newest first, once there are so many. */
export async function timeline(page: Page, length: number): Promise<string[]> {
  await page
    .locator(".timeline li")
    .nth(length - 1)
    .waitFor();
  return page.locator(".timeline li strong").allTextContents();
}

/** Opens a wallet with the page's form; gives the address of its view. */
export async function openWallet(page: Page, user: string): Promise<string> {
  const form = card(page, "Open a wallet");
  await form.getByLabel("User id").fill(user);
  await form.getByRole("button", { name: "Open wallet" }).click();
  return (await form.getByRole("link", { name: "Open the wallet" }).getAttribute("href"))!;
}

/** Fills in the form of the card "Move money", and presses its button. */
export async function move(page: Page, kind: string, fields: Record<string, string>, button = kind): Promise<void> {
  const form = card(page, "Move money");
  await form.getByRole("radio", { name: kind }).check();
  for (const [label, value] of Object.entries(fields)) await form.getByLabel(label).fill(value);
  if ("To" in fields) await form.getByText(/available$/).waitFor();
  await form.getByRole("button", { name: button, exact: true }).click();
}

/** A figure of the head: `Balance`. */
export const figure = (page: Page, name: string) =>
  page.locator(".wallet-head .figures > div").filter({ hasText: name }).locator("dd");

/** What was copied last. */
export const clipboard = (page: Page) => page.evaluate<string>("navigator.clipboard.readText()");
/** The moment of a `time` element, in milliseconds since 1970. */
export const timeOf = async (time: Locator) => Date.parse((await time.getAttribute("datetime"))!);

/** What the element with the focus is called. */
export const FOCUSED = `(({ activeElement: it }) =>
  it.getAttribute("aria-label") ?? (it.labels?.[0] ?? it).textContent)(document)`;

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe finds wrong for those who see, hear or point otherwise. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<Violation[]>("axe.run().then(({ violations }) => violations)");
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html}`);
}
