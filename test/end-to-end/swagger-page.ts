/** Swagger UI in a real browser, as tests use it. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

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

export const hasBrowser = existsSync(CHROMIUM);

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** A page that can reach nothing but the server, and what it said and asked for. */
export interface Watched {
  readonly page: Page;
  readonly strangers: string[];
  readonly complaints: string[];
}

/** @param url where the service is, with its prefix if it has one */
export async function openSwagger(browser: Browser, url: string): Promise<Watched> {
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
export async function execute(page: Page, operationId: string): Promise<{ status: string; body: string }> {
  const block = page.locator(`.opblock[id$="-${operationId}"]`);
  await block.locator(".opblock-summary-control").click();
  // "Try it out" is on from the start.
  await block.getByRole("button", { name: "Execute" }).click();
  const live = block.locator(".live-responses-table");
  await live.waitFor();
  const status = await live.locator("td.response-col_status").last().textContent();
  return { status: (status ?? "").trim(), body: (await live.locator(".highlight-code").first().textContent()) ?? "" };
}
