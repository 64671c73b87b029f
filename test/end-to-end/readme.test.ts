import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { showExample } from "../../dev/example.ts";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { type Ground, historyOf, isAtWork, prepareGround, stopAll } from "./system.ts";

const CHECKOUT = join(import.meta.dir, "../..");
const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "docs/guarantees.md",
  "docs/saga.md",
  "docs/crashes.md",
  "docs/ledger.md",
  "docs/operations.md",
  "docs/console.md",
];

function read(path: string): string {
  return readFileSync(join(CHECKOUT, path), "utf8");
}

interface Exchange {
  /** The commands, with the blocks before them that have no answer of their own. */
  readonly commands: string;
  readonly answer: string;
  readonly language: string;
}

/** The blocks of the session: commands and, behind them, what they answer. */
function sessionOf(readme: string): Exchange[] {
  const section = readme.split(/^## /m).find((each) => each.startsWith("A session")) ?? "";
  const exchanges: Exchange[] = [];
  let prelude = "";
  let commands = "";
  for (const [, language = "", text = ""] of section.matchAll(/^```(\w+)\n(.*?)^```/gms)) {
    if (language === "sh") {
      prelude += commands;
      commands = text;
    } else {
      exchanges.push({ commands: prelude + commands, answer: text, language });
      commands = "";
    }
  }
  return exchanges;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g;

/** What differs from run to run gets a name by its first occurrence, so that equal ones must be equal ones. */
class Names {
  readonly #names = new Map<string, string>();

  of(text: string): string {
    const known: readonly string[] = EXAMPLE_WALLETS.map(({ id }) => id);
    return text
      .replaceAll(UUID, (id) => (known.includes(id) ? id : this.#name(id, "id")))
      .replaceAll(INSTANT, (instant) => this.#name(instant, "time"));
  }

  #name(value: string, kind: string): string {
    const name = this.#names.get(value) ?? `<${kind} ${this.#names.size + 1}>`;
    this.#names.set(value, name);
    return name;
  }
}

/** JSON without its layout; other text without blanks at the ends of its lines. */
function plain(text: string, language: string): string {
  if (language === "json") return JSON.stringify(JSON.parse(text));
  return text.replaceAll("\r", "").trim();
}

describe("the README's session is true", () => {
  let ground: Ground;
  let wallet: RunningService;
  let history: RunningService;

  beforeAll(async () => {
    ground = await prepareGround("readme");
    await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
    [wallet, history] = await Promise.all([spawnService("wallet", ground.env), spawnService("history", ground.env)]);
    await Promise.all([isAtWork(wallet), isAtWork(history)]);
    await historyOf(history, EXAMPLE_WALLETS[0].id, 2);
    // As `bun start` does when it has started.
    await showExample({ wallet: wallet.url, history: history.url });
  });

  afterAll(() => stopAll(ground, wallet, history));

  test("its commands answer what it says", async () => {
    const session = sessionOf(read("README.md"));
    expect(session.length).toBeGreaterThan(3);
    const [told, seen] = [new Names(), new Names()];
    for (const { commands, answer, language } of session) {
      const here = commands
        .replaceAll("http://localhost:3000", wallet.url)
        .replaceAll("http://localhost:3001", history.url);
      const shell = Bun.spawn(["bash", "-c", here], { stdio: ["ignore", "pipe", "inherit"] });
      const output = await shell.stdout.text();
      expect(seen.of(plain(output, language))).toBe(told.of(plain(answer, language)));
    }
  });
});

describe("what the documents point to is there", () => {
  test.each(DOCUMENTS)("%s: files, and the names and tests in them", (document) => {
    const text = read(document);
    const missing: string[] = [];
    // A link, and what is named behind it: `symbols` of the file, or "titles" of tests.
    const link = /\]\((?!https?:)([^)#]+)\)((?:(?:, | )(?:`[^`]+`|"[^"]+"))*)/g;
    for (const [, target = "", named = ""] of text.matchAll(link)) {
      const path = join(CHECKOUT, dirname(document), target);
      if (!existsSync(path)) missing.push(target);
      else if (named !== "") {
        const content = readFileSync(path, "utf8");
        const names = [...named.matchAll(/`([^`]+)`|"([^"]+)"/g)].map(([, symbol, title]) => symbol ?? title ?? "");
        missing.push(...names.filter((name) => !content.includes(name)).map((name) => `${target}: ${name}`));
      }
    }
    expect(missing).toEqual([]);
  });

  test.each(DOCUMENTS)("%s: commands", (document) => {
    const { scripts, packageManager } = JSON.parse(read("package.json"));
    const text = read(document);
    const names = [...text.matchAll(/\bbun run ([\w:-]+)/g)].map(([, name = ""]) => name);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
    for (const [, file = ""] of text.matchAll(/\bbun (\w+\/[\w/.-]+\.ts)/g))
      expect(existsSync(join(CHECKOUT, file))).toBe(true);
    for (const [version] of text.matchAll(/bun@[\d.]+/g)) expect(version).toBe(packageManager);
  });
});
