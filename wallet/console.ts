import { join } from "node:path";
import { Elysia, t } from "elysia";
import { OPEN } from "../shared/http/describe.ts";
import { ifNoneMatch } from "../shared/http/etag.ts";
import { exact } from "../shared/http/fields.ts";
import { Problem } from "../shared/http/problems.ts";
import { pageHeaders } from "../shared/http/security-headers.ts";

/** Sources of the page; the browser's half of the project. */
const FOLDER = join(import.meta.dir, "../console");
const ENTRIES = ["main.tsx", "style.css"].map((name) => join(FOLDER, name));

/** Where the history service is when nobody says: behind the same door, under its prefix, as nginx.conf has it. */
const BEHIND_THE_SAME_DOOR = "/history";

export interface ConsoleOptions {
  /** The history service as browsers reach it; null where it is at the page's own origin. */
  readonly historyUrl: string | null;
}

/** A file of the page as it is sent. */
interface Asset {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly zipped: Uint8Array<ArrayBuffer>;
  readonly tag: string;
}

/** `GET /`: the console, a page for people that talks to the public API of both services; `GET /console/{file}`: its files. */
export function consolePages({ historyUrl }: ConsoleOptions) {
  const history = historyUrl ?? BEHIND_THE_SAME_DOOR;
  const policy = policyFor(historyUrl);
  const page = once(() => shell(history));
  // Bundled when it is first asked for: a server that nobody looks at starts without that work.
  const files = once(bundle);
  return new Elysia()
    .get("/", async ({ request }) => answer(request, await page(), pageHeaders(policy)), OPEN)
    .get(
      "/console/:file",
      async ({ params, request }) => {
        const asset = (await files()).get(params.file);
        if (asset === undefined) throw new Problem("not_found");
        return answer(request, asset);
      },
      { ...OPEN, params: exact({ file: t.String() }) },
    );
}

/** The page runs its own script, wears its own style, and talks to the two services: nothing else. */
function policyFor(historyUrl: string | null): string {
  const history = historyUrl === null ? "" : ` ${new URL(historyUrl).origin}`;
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'${history}`;
}

async function shell(history: string): Promise<Asset> {
  const html = await Bun.file(join(FOLDER, "page.html")).text();
  return assetOf("text/html; charset=utf-8", html.replace("{{history}}", Bun.escapeHTML(history)));
}

/** Everything under `/console/`, by name. */
async function bundle(): Promise<ReadonlyMap<string, Asset>> {
  const { outputs } = await Bun.build({
    entrypoints: ENTRIES,
    target: "browser",
    minify: true,
    // Else the names of the development build of JSX would be bundled with a server that does not run in production.
    jsx: { runtime: "automatic", importSource: "preact", development: false },
  });
  const made = await Promise.all(
    outputs.map(async (output) => [nameOf(output.path), assetOf(output.type, await output.text())] as const),
  );
  const icon = assetOf("image/svg+xml", await Bun.file(join(FOLDER, "icon.svg")).text());
  return new Map([...made, ["icon.svg", icon]]);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function assetOf(type: string, text: string): Asset {
  const body = new TextEncoder().encode(text);
  const tag = `W/"${new Bun.CryptoHasher("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type, body, zipped: Bun.gzipSync(body), tag };
}

function answer(request: Request, asset: Asset, more: Readonly<Record<string, string>> = {}): Response {
  const headers = { etag: asset.tag, "cache-control": "no-cache", vary: "Accept-Encoding", ...more };
  if (ifNoneMatch(request.headers.get("if-none-match"), asset.tag)) return new Response(null, { status: 304, headers });
  const zips = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s|,|$))/.test(request.headers.get("accept-encoding") ?? "");
  return new Response(zips ? asset.zipped : asset.body, {
    headers: { ...headers, "content-type": asset.type, ...(zips && { "content-encoding": "gzip" }) },
  });
}

/** Makes it at the first call, and again after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
