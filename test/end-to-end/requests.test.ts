import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLE_WALLETS, seed } from "../../dev/seed.ts";
import { createLog } from "../../shared/log.ts";
import { type RunningService, spawnService } from "../cluster.ts";
import { type Ground, get, historyOf, isAtWork, prepareGround, stopAll } from "./system.ts";

interface Asked {
  readonly title: string;
  readonly status: number;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** The requests of an .http file: blocks between lines of `###`; in each a request line, headers, a blank line, the body. */
function requestsOf(text: string, more: Readonly<Record<string, string>>): Asked[] {
  const variables = new Map([...text.matchAll(/^@(\w+) = (.+)$/gm)].map(([, name = "", value = ""]) => [name, value]));
  for (const [name, value] of Object.entries(more)) variables.set(name, value);
  const filled = text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => variables.get(name) ?? `no variable ${name}`);
  return filled
    .split(/^###/m)
    .slice(1)
    .map((block) => {
      const [title = "", ...lines] = block.split("\n");
      const status = Number(lines.find((line) => line.startsWith("# → "))?.slice("# → ".length));
      const [head = "", ...rest] = lines
        .filter((line) => !line.startsWith("#"))
        .join("\n")
        .trim()
        .split("\n\n");
      const [, method = "", url = ""] = /^(GET|POST) (\S+)$/.exec(head.split("\n")[0] ?? "") ?? [];
      const headers = Object.fromEntries(
        head
          .split("\n")
          .slice(1)
          .map((line) => line.split(/: (.*)/, 2)),
      );
      return { title: title.trim() || url, status, method, url, headers, body: rest.join("\n\n") || undefined };
    });
}

const FILE = readFileSync(join(import.meta.dir, "../../requests.http"), "utf8");

describe("requests.http", () => {
  let ground: Ground;
  let wallet: RunningService;
  let history: RunningService;

  beforeAll(async () => {
    ground = await prepareGround("http file");
    await seed(ground.database.url, createLog({ service: "test", level: "silent", pretty: false }));
    [wallet, history] = await Promise.all([spawnService("wallet", ground.env), spawnService("history", ground.env)]);
    await Promise.all([isAtWork(wallet), isAtWork(history)]);
    for (const { id } of EXAMPLE_WALLETS) await historyOf(history, id, 2);
  });

  afterAll(() => stopAll(ground, wallet, history));

  test("is answered as it says, from top to bottom, and once more", async () => {
    for (let round = 1; round <= 2; round += 1) {
      for (const asked of requestsOf(FILE, { wallet: wallet.url, history: history.url })) {
        const { url, title, status, method, headers, body } = asked;
        const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
        expect(`${title}: ${response.status}`).toBe(`${title}: ${status}`);
        await response.body?.cancel();
      }
    }
  });

  test("has every route of both servers", async () => {
    const asked = requestsOf(FILE, { wallet: wallet.url, history: history.url });
    const missing: string[] = [];
    for (const service of [wallet, history]) {
      const { body } = await get(service, "/swagger/json");
      for (const [path, methods] of Object.entries(Object(body.paths))) {
        const pattern = new RegExp(`^${service.url}${path.replaceAll(/\{[^}]+\}/g, "[^/?]+")}(\\?.*)?$`);
        for (const method of Object.keys(Object(methods))) {
          const isThere = asked.some((each) => each.method === method.toUpperCase() && pattern.test(each.url));
          if (!isThere) missing.push(`${method.toUpperCase()} ${path}`);
        }
      }
    }
    expect(missing).toEqual([]);
  });
});
