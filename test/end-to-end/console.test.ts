import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { EXAMPLE_WALLETS } from "../../dev/seed.ts";
import { spawnService, until } from "../cluster.ts";
import {
  type ConsoleSystem,
  card,
  clipboard,
  FOCUSED,
  figure,
  isLive,
  move,
  openConsole,
  openWallet,
  startConsole,
  timeline,
  timeOf,
  type WatchedConsole,
} from "./console-page.ts";
import { hasBrowser, launchBrowser } from "./swagger-page.ts";
import { expectInvariants, get, historyOf, openFunded, post, stopAll } from "./system.ts";

const [ALICE, BOB] = EXAMPLE_WALLETS;

let system: ConsoleSystem;
let browser: Browser;
const opened: WatchedConsole[] = [];

beforeAll(async () => {
  if (!hasBrowser) return;
  [system, browser] = await Promise.all([startConsole("console"), launchBrowser()]);
  await Promise.all([ALICE, BOB].map(({ id }) => historyOf(system.history, id, 2)));
});

afterAll(async () => {
  await browser?.close();
  if (system) await stopAll(system, system.wallet, system.history);
});

async function open(hash: string): Promise<Page> {
  const watched = await openConsole(browser, { url: system.wallet.url, also: [system.history.url] }, hash);
  opened.push(watched);
  await isLive(watched.page);
  return watched.page;
}

describe.skipIf(!hasBrowser)("a person uses the console", () => {
  test("two wallets are opened, funded and paid from, and both histories follow without a reload", async () => {
    const start = await open("#/");
    const [carol, dave] = [await openWallet(start, "carol"), await openWallet(start, "dave")];
    const [payer, receiver] = [await open(carol), await open(dave)];
    await move(payer, "Fund", { Amount: "100" });
    await until(async () => (await figure(payer, "Balance").textContent()) === "100.00 USD");
    await move(payer, "Transfer", { To: "dave", Amount: "30.5", "Description (optional)": "Lunch" });

    expect(await timeline(payer, 3)).toEqual(["Paid", "Funded", "Opened"]);
    expect(await timeline(receiver, 2)).toEqual(["Received", "Opened"]);
    const received = receiver.locator(".timeline li").first();
    expect(await received.textContent()).toContain("Received from carol");
    expect(await received.textContent()).toContain("Lunch");
    expect(await received.locator(".money.in").textContent()).toBe("+30.50 USD");
    await until(async () => (await figure(receiver, "Balance").textContent()) === "30.50 USD");
    await until(
      async () => (await card(start, "dave").locator(".wallet-balance .money").textContent()) === "30.50 USD",
    );
  });

  test("what the API refuses is shown in its own words, and beside the field", async () => {
    const page = await open(`#/wallets/${ALICE.id}`);
    await move(page, "Withdraw", { Amount: "1.23456" });
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toContain("invalid_amount");
    expect(await page.getByLabel("Amount").getAttribute("aria-invalid")).toBe("true");
    await move(page, "Withdraw", { Amount: "999999" });
    await page.locator(".problem-title", { hasText: "Insufficient funds" }).waitFor();
    expect(await page.getByRole("alert").textContent()).toContain("The available balance does not cover the amount.");
    expect(await page.getByRole("link", { name: "insufficient_funds" }).getAttribute("href")).toBe(
      `${system.wallet.url}/problems/insufficient_funds`,
    );
    await page.locator(".timeline").getByText("Refused").first().waitFor();
  });

  test("an act is sent again, by the page and by curl, and nothing happens twice", async () => {
    const erin = await openFunded(system.wallet, "erin", "10");
    const page = await open(`#/wallets/${erin}`);
    await move(page, "Withdraw", { Amount: "4" });
    const attempt = page.getByRole("article", { name: "Withdraw 4" });
    await attempt.locator(".badge", { hasText: "201" }).waitFor();
    await attempt.getByRole("button", { name: "Send again" }).click();
    await attempt.getByText("the stored answer: nothing happened again").waitFor();
    expect(await attempt.locator(".tries li").count()).toBe(2);

    await attempt.getByRole("button", { name: "Copy as curl" }).click();
    await attempt.getByText("Copied").waitFor();
    const command = await clipboard(page);
    expect(command).toContain(`Idempotency-Key: ${await attempt.locator(".key").textContent()}`);
    const answer = Bun.spawnSync(["sh", "-c", command]).stdout.toString();
    expect(answer).toMatch(/^HTTP\/1.1 201(.|\s)*idempotency-replayed: true/i);
    expect((await get(system.wallet, `/wallets/${erin}`)).body.balance).toBe("6.0000");
  });

  test("two clicks in a row are one act", async () => {
    const judy = await openFunded(system.wallet, "judy", "10");
    const page = await open(`#/wallets/${judy}`);
    await page.getByLabel("Amount").fill("1");
    await page.getByRole("button", { name: "Fund", exact: true }).dblclick();
    await timeline(page, 3);
    await page.goto(`${system.wallet.url}/#/move`);
    expect(await page.getByRole("article").count()).toBe(1);
    expect((await get(system.wallet, `/wallets/${judy}`)).body.balance).toBe("11.0000");
  });

  test("a wallet is frozen and unfrozen", async () => {
    const page = await open(`#/wallets/${await openFunded(system.wallet, "frank", "5")}`);
    await page.getByRole("button", { name: "Freeze", exact: true }).click();
    await until(async () => (await figure(page, "Status").textContent()) === "frozen");
    await move(page, "Withdraw", { Amount: "1" });
    await page.getByText("wallet_frozen").first().waitFor();
    await page.getByRole("button", { name: "Unfreeze", exact: true }).click();
    await until(async () => (await figure(page, "Status").textContent()) === "active");
  });

  test("by keyboard alone", async () => {
    const page = await open(`#/wallets/${await openFunded(system.wallet, "grace", "5")}`);
    await page.getByLabel("Amount").waitFor();
    const press = async (key: string, until: string): Promise<void> => {
      for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press(key);
        const focused: string = await page.evaluate(FOCUSED);
        if (focused.startsWith(until)) return;
      }
      throw new Error(`${until} is not reached by ${key}`);
    };
    await press("Tab", "Skip to the content");
    await page.keyboard.press("Enter");
    await press("Tab", "Fund");
    await page.keyboard.press("ArrowRight");
    await press("Tab", "Amount");
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: "Withdraw 2" }).locator(".badge", { hasText: "201" }).waitFor();
    await timeline(page, 3);
    await press("Tab", "Moment");
    await page.keyboard.press("Home");
    await page.locator(".balance-then", { hasText: "version 1" }).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.locator(".balance-then", { hasText: /^5\.00 .*version 2/ }).waitFor();
    await page.keyboard.press("End");
    await page.locator(".balance-then", { hasText: /^3\.00 .*now/ }).waitFor();
  });
});

describe.skipIf(!hasBrowser)("what happened is shown", () => {
  test("the balance at the moment to which the time line is dragged, at an address that can be shared", async () => {
    const heidi = await openFunded(system.wallet, "heidi", "40");
    await historyOf(system.history, heidi, 2);
    await post(system.wallet, `/wallets/${heidi}/withdraw`, { amount: "15" });
    await historyOf(system.history, heidi, 3);
    const page = await open(`#/wallets/${heidi}`);
    await page.locator(".balance-then", { hasText: "25.00" }).waitFor();
    const box = (await page.locator(".time-line").boundingBox())!;
    await page.mouse.move(box.x + box.width - 20, box.y + 80);
    await page.mouse.down();
    // The first pixels of the chart are its scale: there the wallet has just been opened.
    await page.mouse.move(box.x + 60, box.y + 80, { steps: 4 });
    await page.mouse.move(box.x + 56, box.y + 80);
    await page.mouse.up();
    await page.locator(".balance-then", { hasText: /^0\.00 / }).waitFor();

    await page.getByRole("button", { name: "Copy link to this moment" }).click();
    const address = await clipboard(page);
    const at = new URLSearchParams(address.split("?")[1]).get("at")!;
    const then = await get(system.history, `/wallets/${heidi}/balance?at=${encodeURIComponent(at)}`);
    expect([then.status, then.body.balance]).toEqual([200, "0.0000"]);
    const shared = await open(new URL(address).hash);
    await shared.locator(".balance-then", { hasText: /^0\.00 .*version 1/ }).waitFor();
    await shared.getByRole("button", { name: "Back to now" }).click();
    await shared.locator(".balance-then", { hasText: /^25\.00 .*now/ }).waitFor();
  });

  test("a transfer passes wallet, outbox, topic, history and ledger, each with its time", async () => {
    const page = await open("#/live");
    await page.getByText(/^bob: .*available$/).waitFor();
    await page.getByLabel("Amount").fill("1.5");
    await page.getByRole("button", { name: "Transfer", exact: true }).click();
    const lanes = page.locator(".lane");
    await lanes.nth(1).waitFor();
    await until(async () => (await page.locator(".lane .stop-clock").count()) === 12, {
      what: "all stops have a time",
    });
    expect(await lanes.locator(".lane-title strong").allTextContents()).toEqual(["TRANSFER_OUT", "TRANSFER_IN"]);
    for (const lane of await lanes.all()) {
      expect(await lane.locator(".stop-name").allTextContents()).toEqual([
        "Wallet",
        "Outbox",
        "Topic",
        "History",
        "Ledger",
        "This page",
      ]);
      expect(await lane.locator(".stops li.reached").count()).toBe(6);
      const times = await Promise.all((await lane.locator("time").all()).map(timeOf));
      // Milliseconds are cut off, and the topic's clock is the sending server's: each is at most one too early.
      for (const [at, time] of times.entries()) expect(time).toBeGreaterThanOrEqual((times[at - 1] ?? 0) - 1);
    }
    expect(await lanes.first().textContent()).toContain("asked ");
  });

  test("a saga step by step, and the ledger's refusal of one", async () => {
    const page = await open(`#/wallets/${ALICE.id}`);
    await move(page, "Saga", { To: "bob", Amount: "2" }, "Start the saga");
    await page.getByRole("link", { name: "Watch its steps" }).click();
    await page.locator(".steps", { hasText: "Settled" }).waitFor();
    await until(async () => (await page.locator(".step-time").count()) === 4, { what: "all steps have a time" });
    expect(await page.locator(".steps strong").allTextContents()).toEqual(["Asked", "Held", "Decided", "Settled"]);

    await page.goto(`${system.wallet.url}/#/ledger/accounts/${BOB.id}`);
    await page.getByRole("button", { name: "Freeze for sagas" }).click();
    await page.getByText("frozen: refused").waitFor();
    await page.goto(`${system.wallet.url}/#/wallets/${ALICE.id}`);
    await move(page, "Saga", { To: "bob", Amount: "2" }, "Start the saga");
    await page.getByRole("link", { name: "Watch its steps" }).click();
    await page.locator(".steps", { hasText: "Released" }).waitFor();
    expect(await page.locator(".steps").textContent()).toContain("account_frozen");
    await post(system.history, `/ledger/accounts/${BOB.id}/unfreeze`, {});
  });

  test("the ledger is balanced, and health, lag, gaps and dead letters are told", async () => {
    const page = await open("#/ledger");
    await card(page, "Trial balance").getByText("balanced").waitFor();
    await page.goto(`${system.wallet.url}/#/system`);
    await page.locator(".checks").nth(1).waitFor();
    expect(await page.locator(".checks .badge").allTextContents()).toEqual(Array(6).fill("ok"));
    await page.getByText("0 events").waitFor();
    expect(await page.locator("table tbody tr").count()).toBe(6);
    await page.getByText("None: every message could be applied.").waitFor();
  });
});

describe.skipIf(!hasBrowser)("the console outlives the history service", () => {
  test("money works meanwhile, and the history catches up without a reload", async () => {
    const ivan = await openFunded(system.wallet, "ivan", "10");
    const page = await open(`#/wallets/${ivan}`);
    expect(await timeline(page, 2)).toEqual(["Funded", "Opened"]);
    await page.evaluate("document.documentElement.dataset.loaded = 'once'");
    await system.history.kill();
    await page.getByText("The history service does not answer").waitFor();
    await move(page, "Withdraw", { Amount: "3" });
    await until(async () => (await figure(page, "Balance").textContent()) === "7.00 USD");
    expect(await page.locator(".timeline li").count()).toBe(2);

    system = { ...system, history: await spawnService("history", system.historyEnv) };
    expect(await timeline(page, 3)).toEqual(["Withdrawn", "Funded", "Opened"]);
    await page.locator(".notice").waitFor({ state: "detached" });
    await page.locator(".balance-then", { hasText: /^7\.00/ }).waitFor();
    expect(await page.locator("html").getAttribute("data-loaded")).toBe("once");
  });
});

describe.skipIf(!hasBrowser)("in the end", () => {
  test("no page asked a stranger for anything or complained, and the invariants hold", async () => {
    expect(opened.length).toBeGreaterThan(8);
    expect(opened.flatMap(({ strangers, complaints }) => [...strangers, ...complaints])).toEqual([]);
    await expectInvariants(system);
  });
});
