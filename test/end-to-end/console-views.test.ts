import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { circumstances, tableOf, writeBetween } from "../../dev/measured.ts";
import { EXAMPLE_WALLETS } from "../../dev/seed.ts";
import { connectProducer } from "../../shared/kafka.ts";
import { createLog } from "../../shared/log.ts";
import { until } from "../cluster.ts";
import { type ConsoleSystem, card, isLive, openConsole, startConsole, violations } from "./console-page.ts";
import { hasBrowser, launchBrowser } from "./swagger-page.ts";
import { type Body, get, historyOf, post, stopAll } from "./system.ts";

const [ALICE, BOB] = EXAMPLE_WALLETS;
/** A folder for pictures of all views, such as `docs/screenshots`; what the page weighs then goes into docs/console.md. */
const { SCREENSHOTS } = process.env;
const PAGE = join(import.meta.dir, "../../docs/console.md");
const LOADS = 5;
const MOST_BYTES = 150_000;
const SEND_DEADLINE_MS = 10_000;

let system: ConsoleSystem;
let browser: Browser;
let saga: Body;
let transfer: Body;

beforeAll(async () => {
  if (!hasBrowser) return;
  [system, browser] = await Promise.all([startConsole("views"), launchBrowser()]);
  await live();
  await buryLetter();
});

afterAll(async () => {
  await browser?.close();
  if (system) await stopAll(system, system.wallet, system.history);
});

/** A little life, so that there is something in every view. */
async function live(): Promise<void> {
  const { wallet, history } = system;
  const at = (id: string, verb: string, body: Record<string, string>) => post(wallet, `/wallets/${id}/${verb}`, body);
  await historyOf(history, ALICE.id, 2);
  await at(ALICE.id, "withdraw", { amount: "180", description: "Cash" });
  await at(ALICE.id, "transfer", { to_wallet_id: BOB.id, amount: "240.50", description: "Holiday" });
  await at(BOB.id, "transfer", { to_wallet_id: ALICE.id, amount: "65.25", description: "Tickets" });
  await at(ALICE.id, "fund", { amount: "320", description: "Salary", reference: "INV-2026-011" });
  await at(ALICE.id, "transfer", { to_wallet_id: BOB.id, amount: "5000" });
  const rent = { sender_wallet_id: ALICE.id, receiver_wallet_id: BOB.id, amount: "410", idempotency_key: "rent-11" };
  saga = (await post(wallet, "/transactions", { ...rent, description: "Rent" }, { prefer: "wait=20" })).body;
  await post(wallet, "/wallets", { user_id: "alice", currency: "EUR" });
  transfer = (await at(ALICE.id, "transfer", { to_wallet_id: BOB.id, amount: "30", description: "Lunch" })).body;
  await historyOf(history, ALICE.id, Number(transfer.from_wallet_version));
}

/** A message that cannot be applied, on the topic. */
async function buryLetter(): Promise<void> {
  const log = createLog({ service: "test", level: "silent", pretty: false });
  const brokers = [system.env.KAFKA_BROKERS!];
  const producer = await connectProducer({ brokers, ssl: false, sasl: null, clientId: "test", log }, SEND_DEADLINE_MS);
  await producer.send(system.env.KAFKA_TOPIC!, [{ key: ALICE.id, value: "no event", headers: {} }], SEND_DEADLINE_MS);
  await producer.close();
  await until(async () => (await get(system.history, "/dead-letters")).body.items.length === 1);
}

interface View {
  readonly hash: () => string;
  /** Brings the view to where it shows what it is for. */
  readonly ready: (page: Page) => Promise<void>;
}

const stay = (selector: string) => (page: Page) => page.locator(selector).first().waitFor();

const VIEWS: Record<string, View> = {
  wallets: { hash: () => "#/", ready: stay(".wallet-card") },
  wallet: {
    hash: () => `#/wallets/${ALICE.id}`,
    async ready(page) {
      await page.locator(".timeline li").nth(8).waitFor();
      await page.getByRole("radio", { name: "By event" }).check();
      await page.getByRole("slider").focus();
      for (let steps = 0; steps < 5; steps += 1) await page.keyboard.press("ArrowLeft");
      await page.locator(".balance-then time").waitFor();
    },
  },
  move: {
    hash: () => "#/move",
    async ready(page) {
      const amount = page.getByLabel("Amount");
      await page.getByText(/^bob: .*available$/).waitFor();
      for (const each of ["99999", "0.01"]) {
        await amount.fill(each);
        await page.getByRole("button", { name: "Transfer", exact: true }).click();
        await page
          .getByRole("article", { name: `Transfer ${each}` })
          // Not the one that says "on its way": until the answer is there, a click is half of a double one.
          .locator(".badge", { hasText: /^\d+$/ })
          .first()
          .waitFor();
      }
      await page.getByRole("button", { name: "Send again" }).first().click();
      await page.getByText("the stored answer: nothing happened again").waitFor();
    },
  },
  saga: { hash: () => `#/sagas/${saga.id}`, ready: stay(".steps li:nth-child(4) time") },
  live: {
    hash: () => "#/live",
    async ready(page) {
      await page.getByText(/^bob: .*available$/).waitFor();
      await page.getByLabel("Amount").fill("0.01");
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.locator(".lane").nth(1).waitFor();
      await until(async () => (await page.locator(".lane .stop-clock").count()) === 12);
    },
  },
  ledger: { hash: () => "#/ledger", ready: stay(".sides") },
  account: { hash: () => `#/ledger/accounts/${ALICE.id}`, ready: stay("table") },
  transaction: { hash: () => `#/ledger/transactions/${transfer.id}`, ready: stay("table") },
  system: {
    hash: () => "#/system",
    async ready(page) {
      await card(page, "Dead letters").getByRole("button", { name: "Replay" }).waitFor();
      await page.locator("tbody tr").nth(5).waitFor();
      await page.locator(".checks").nth(1).waitFor();
    },
  },
  nowhere: { hash: () => "#/nowhere", ready: stay("h1") },
  unknown: { hash: () => `#/wallets/${crypto.randomUUID()}`, ready: stay(".problem") },
};

/** What is said where there is nothing needs no picture in the documentation. */
const WITHOUT_PICTURE = ["nowhere", "unknown"];

const SIZES = { desktop: { width: 1360, height: 850 }, phone: { width: 390, height: 844 } } as const;
/** What is wrong with colours is so on every screen, and what is too wide is so in all colours: each once, unless for pictures. */
const LOOKS = (["light", "dark"] as const).flatMap((colours) =>
  (["desktop", "phone"] as const)
    .filter((size) => SCREENSHOTS !== undefined || (colours === "light") === (size === "desktop"))
    .map((size) => ({ colours, size })),
);

/** The whole view, with what is fixed to the window in its place. */
async function takePicture(page: Page, name: string, { width, height }: (typeof SIZES)["phone" | "desktop"]) {
  if (SCREENSHOTS === undefined) return;
  const whole = await page.evaluate<number>("document.documentElement.scrollHeight");
  await page.setViewportSize({ width, height: Math.max(height, whole) });
  await page.evaluate("scrollTo(0, 0)");
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, animations: "disabled" });
}

describe.skipIf(!hasBrowser).each(LOOKS)("for everybody, $colours on a $size", ({ colours, size }) => {
  test.each(Object.keys(VIEWS))("%s: axe finds nothing, and nothing is wider than the screen", async (name) => {
    const { hash, ready } = VIEWS[name]!;
    const options = { colorScheme: colours, viewport: SIZES[size], reducedMotion: "reduce" } as const;
    const addresses = { url: system.wallet.url, also: [system.history.url] };
    const { page, strangers, complaints } = await openConsole(browser, addresses, hash(), options);
    await isLive(page);
    await ready(page);
    expect({ violations: await violations(page), strangers, complaints }).toEqual({
      violations: [],
      strangers: [],
      complaints: [],
    });
    expect(await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    if (!WITHOUT_PICTURE.includes(name)) await takePicture(page, `${name}-${size}-${colours}`, SIZES[size]);
    await page.context().close();
  });
});

describe.skipIf(!hasBrowser)("colours are the reader's choice", () => {
  test("by a button, and remembered", async () => {
    const addresses = { url: system.wallet.url, also: [system.history.url] };
    const { page } = await openConsole(browser, addresses, "#/", { colorScheme: "light" });
    const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByRole("button", { name: "Change to light" }).click();
    expect(await ground()).toBe(light);
    await page.getByRole("button", { name: "Change to dark" }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole("button", { name: "Colours: dark" }).waitFor();
    expect(await ground()).toBe(dark);
    await page.context().close();
  });
});

describe.skipIf(!hasBrowser)("the page is light", () => {
  /** On the way: headers, and bodies as they were sent. */
  const BYTES = `performance.getEntries()
    .filter(({ name, transferSize }) => transferSize > 0 && new URL(name).origin === location.origin)
    .filter(({ name }) => name.includes("/console/") || new URL(name).pathname === "/")
    .reduce((sum, { transferSize }) => sum + transferSize, 0)`;
  const PAINT_MS = `performance.getEntriesByName("first-contentful-paint")[0]?.startTime`;

  /** In a context of its own, so that nothing is known from before. */
  async function load(): Promise<{ readonly bytes: number; readonly paint_ms: number }> {
    const { page } = await openConsole(browser, { url: system.wallet.url, also: [system.history.url] }, "#/");
    await until(async () => (await page.evaluate<number | undefined>(PAINT_MS)) !== undefined);
    const loaded = { bytes: await page.evaluate<number>(BYTES), paint_ms: await page.evaluate<number>(PAINT_MS) };
    await page.context().close();
    return loaded;
  }

  test("150 kB at most, and something is seen", async () => {
    const found = circumstances();
    const loads: Awaited<ReturnType<typeof load>>[] = [];
    for (let n = 0; n < LOADS; n += 1) loads.push(await load());
    const most = Math.max(...loads.map(({ bytes }) => bytes));
    expect(most).toBeGreaterThan(10_000);
    expect(most).toBeLessThan(MOST_BYTES);
    const paints = loads.map(({ paint_ms }) => paint_ms).toSorted((a, b) => a - b);
    expect(paints[0]).toBeGreaterThan(0);
    if (SCREENSHOTS === undefined) return;
    const [best = 0, middle = 0, worst = 0] = [paints[0], paints[Math.floor(LOADS / 2)], paints.at(-1)].map(Number);
    const table = tableOf(
      ["of a browser that has nothing of it yet", ""],
      [
        ["transferred, headers included", `${(most / 1_000).toFixed(1)} kB`],
        [
          "first contentful paint",
          `${middle.toFixed(0)} ms (${best.toFixed(0)} to ${worst.toFixed(0)} in ${LOADS} loads)`,
        ],
      ],
    );
    writeBetween(PAGE, "weight", `${table}\n\nMeasured in the tests' Chromium, on the servers' own machine: ${found}.`);
  });
});
