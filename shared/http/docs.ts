import { dirname, join } from "node:path";
import { type AnyElysia, Elysia, t } from "elysia";
import { OPEN } from "./describe.ts";
import { exact } from "./fields.ts";
import { type ApiOptions, openApi } from "./openapi.ts";
import { Problem } from "./problems.ts";
import { pathOf } from "./request.ts";
import { pageHeaders } from "./security-headers.ts";

/** Swagger UI's own files, out of the package: nothing is loaded from the network. */
const FILES = dirname(Bun.resolveSync("swagger-ui-dist/package.json", import.meta.dir));

const SERVED: ReadonlySet<string> = new Set(["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]);

/** Swagger UI writes style attributes and has its icons as data: URLs; all else comes from this server. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** Starts Swagger UI; a file of its own, since the policy allows no script in the page. */
const START = `window.ui = SwaggerUIBundle({
  url: document.getElementById("swagger-ui").dataset.url,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** The files change only with the package's version, which changes with a release. */
const CACHED = "public, max-age=3600";

/**
 * `GET /swagger`: Swagger UI, which works with no internet; `GET /swagger/json`: the OpenAPI 3.1 document of every route that is not
 * hidden. Used on the app itself; where among its plugins makes no difference.
 */
export function docs(options: ApiOptions) {
  return <App extends AnyElysia>(app: App): App => {
    let document: Promise<string> | undefined;
    const describeOnce = () => (document ??= openApi(app.routes, options).then((made) => JSON.stringify(made)));
    app.use(
      new Elysia()
        .get("/swagger", ({ request }) => page(options.title, pathOf(request)), OPEN)
        .get(
          "/swagger/json",
          async () => new Response(await describeOnce(), { headers: { "content-type": "application/json" } }),
          OPEN,
        )
        .get("/swagger/files/:file", ({ params }) => file(params.file), {
          ...OPEN,
          params: exact({ file: t.String() }),
        }),
    );
    return app;
  };
}

function file(name: string): Response {
  if (name === "start.js")
    return new Response(START, { headers: { "content-type": "text/javascript", "cache-control": CACHED } });
  if (!SERVED.has(name)) throw new Problem("not_found");
  return new Response(Bun.file(join(FILES, name)), { headers: { "cache-control": CACHED } });
}

/** All links are relative, so that the page also works behind a proxy that adds a prefix. */
function page(title: string, path: string): Response {
  const base = path.endsWith("/") ? "." : "swagger";
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${Bun.escapeHTML(title)}</title>
<link rel="stylesheet" href="${base}/files/swagger-ui.css">
<link rel="icon" type="image/png" href="${base}/files/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui" data-url="${base}/json"></div>
<script src="${base}/files/swagger-ui-bundle.js"></script>
<script src="${base}/files/start.js"></script>
</body>
</html>
`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8", ...pageHeaders(POLICY) } });
}
