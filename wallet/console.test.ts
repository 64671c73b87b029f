import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { conventions, ELYSIA_OPTIONS } from "../shared/http/conventions.ts";
import { createMetrics } from "../shared/http/metrics.ts";
import { createLog } from "../shared/log.ts";
import { consolePages } from "./console.ts";

/** What the whole page may weigh on the way, in bytes. */
const WEIGHT_MAX = 150_000;

function served(historyUrl: string | null) {
  const log = createLog({ service: "test", level: "silent", pretty: false });
  const app = new Elysia(ELYSIA_OPTIONS)
    .use(conventions({ log, metrics: createMetrics("wallet") }))
    .use(consolePages({ historyUrl }));
  return (path: string, headers: Record<string, string> = {}, method = "GET") =>
    app.handle(new Request(`http://localhost${path}`, { method, headers }));
}

const get = served("http://localhost:3001");
const FILES = ["/", "/console/main.js", "/console/style.css", "/console/icon.svg"];
const ZIPPED = { "accept-encoding": "gzip, deflate, br" };

describe("the console is served", () => {
  test("as a page that names all its files and needs nobody else", async () => {
    const response = await get("/");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const html = await response.text();
    const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => to);
    expect(named.toSorted()).toEqual(["console/icon.svg", "console/main.js", "console/style.css", "swagger"]);
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style=/);
  });

  test.each(FILES)("%s: whole, zipped, and not at all where it is known", async (path) => {
    const plain = await get(path);
    const tag = plain.headers.get("etag")!;
    const text = await plain.text();
    const zipped = await get(path, ZIPPED);
    expect([plain.headers.get("content-encoding"), zipped.headers.get("content-encoding")]).toEqual([null, "gzip"]);
    expect(zipped.headers.get("vary")).toContain("Accept-Encoding");
    expect(new TextDecoder().decode(Bun.gunzipSync(await zipped.arrayBuffer()))).toBe(text);
    const known = await get(path, { "if-none-match": tag });
    expect([known.status, await known.text(), known.headers.get("etag")]).toEqual([304, "", tag]);
    const head = await get(path, {}, "HEAD");
    expect([head.status, head.headers.get("content-type")]).toEqual([200, plain.headers.get("content-type")]);
  });

  test("a client that refuses gzip gets none", async () => {
    const response = await get("/console/main.js", { "accept-encoding": "gzip;q=0" });
    expect(response.headers.get("content-encoding")).toBeNull();
  });

  test("all of it weighs less than 150 kB", async () => {
    const bodies = await Promise.all(FILES.map(async (path) => (await get(path, ZIPPED)).arrayBuffer()));
    const weight = bodies.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(weight).toBeGreaterThan(5_000);
    expect(weight).toBeLessThan(WEIGHT_MAX);
  });

  test("and nothing else is: unknown files, files of the project, other methods", async () => {
    for (const path of ["/console/nothing.js", "/console/..%2fmain.ts", "/console/page.html", "/console"])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    expect((await get("/", {}, "POST")).status).toBe(405);
  });
});

describe("the page may talk to the two services and to nobody else", () => {
  test.each([
    ["http://localhost:3001", "connect-src 'self' http://localhost:3001;", "http://localhost:3001"],
    ["https://example.com/history", "connect-src 'self' https://example.com;", "https://example.com/history"],
    [null, "connect-src 'self';", "/history"],
  ])("the history at %s", async (historyUrl, allowed, told) => {
    const response = await served(historyUrl)("/");
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain(allowed);
    expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(await response.text()).toContain(`<meta name="history" content="${told}">`);
  });
});
