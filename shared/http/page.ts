import { pageHeaders } from "./security-headers.ts";

/** The few HTML pages of a server: whole, readable without scripts, and loading nothing from anywhere. */

const STYLE = `:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
code { font-family: ui-monospace, monospace }
dt { font-weight: 600 }
pre { overflow-x: auto }`;

const STYLE_HASH = new Bun.CryptoHasher("sha256").update(STYLE).digest("base64");

/** A policy that lets a page show its own style and nothing else. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'`;

/** An HTML answer. `title` is escaped here; `body` is HTML and its author's to escape. */
export function htmlPage(title: string, body: string): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${Bun.escapeHTML(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8", ...pageHeaders(POLICY) } });
}
