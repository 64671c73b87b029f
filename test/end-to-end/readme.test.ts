import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { showExample } from "../../dev/example.ts";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { exchangesOf, laidOut, Names, plain, Shell, sectionOf } from "./document.ts";
import { type Ground, historyOf, isAtWork, prepareGround, stopAll } from "./system.ts";

const CHECKOUT = join(import.meta.dir, "../..");
const GUIDE = join(CHECKOUT, "docs/api.md");

/** `DOCUMENTS=write` puts what the servers answer into the guide, after a change of the API. */
const WRITES = process.env.DOCUMENTS === "write";

describe("the commands of the documents answer what they say", () => {
  let ground: Ground;
  let wallet: RunningService;
  let history: RunningService;
  let shell: Shell;

  beforeAll(async () => {
    ground = await prepareGround("readme");
    await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
    [wallet, history] = await Promise.all([spawnService("wallet", ground.env), spawnService("history", ground.env)]);
    await Promise.all([isAtWork(wallet), isAtWork(history)]);
    await historyOf(history, EXAMPLE_WALLETS[0].id, 2);
    // As `bun start` does when it has started.
    await showExample({ wallet: wallet.url, history: history.url });
    shell = new Shell({ wallet: wallet.url, history: history.url });
  });

  afterAll(async () => {
    await shell.close();
    await stopAll(ground, wallet, history);
  });

  test("README.md, a session", async () => {
    const session = exchangesOf(sectionOf(readFileSync(join(CHECKOUT, "README.md"), "utf8"), "A session"));
    expect(session.length).toBeGreaterThan(3);
    await compare(session);
  });

  test("docs/api.md", async () => {
    const guide = readFileSync(GUIDE, "utf8");
    const exchanges = exchangesOf(guide);
    expect(exchanges.filter(({ answer }) => answer !== undefined).length).toBeGreaterThan(20);
    if (WRITES) writeFileSync(GUIDE, await rewritten(guide, exchanges));
    else await compare(exchanges);
  });

  async function compare(exchanges: ReturnType<typeof exchangesOf>): Promise<void> {
    const [told, seen] = [new Names(), new Names()];
    for (const { commands, answer } of exchanges) {
      const output = await shell.run(commands);
      if (answer === undefined) continue;
      const { text, language } = answer;
      expect(seen.of(plain(output, language))).toBe(told.of(plain(text, language)));
    }
  }

  /** The document with the answers of now. */
  async function rewritten(document: string, exchanges: ReturnType<typeof exchangesOf>): Promise<string> {
    let text = "";
    let copied = 0;
    for (const { commands, answer } of exchanges) {
      const output = await shell.run(commands);
      if (answer === undefined) continue;
      text += document.slice(copied, answer.from) + laidOut(output, answer.language);
      copied = answer.from + answer.text.length;
    }
    return text + document.slice(copied);
  }
});
