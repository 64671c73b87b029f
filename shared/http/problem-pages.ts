import { Elysia, t } from "elysia";
import { OPEN } from "./describe.ts";
import { exact } from "./fields.ts";
import { htmlPage } from "./page.ts";
import { EXAMPLES } from "./problem-examples.ts";
import { isProblemCode, PROBLEM_CODES, PROBLEMS, Problem, type ProblemCode } from "./problems.ts";

/** What a problem's `type` leads to: `GET /problems` lists the codes, `GET /problems/<code>` explains one. */
export function problemPages() {
  return new Elysia()
    .get("/problems", () => htmlPage("Problems", listOfCodes()), OPEN)
    .get(
      "/problems/:code",
      ({ params }) => {
        if (!isProblemCode(params.code)) throw new Problem("not_found");
        return htmlPage(PROBLEMS[params.code].title, explanation(params.code));
      },
      { ...OPEN, params: exact({ code: t.String() }) },
    );
}

function listOfCodes(): string {
  const lines = PROBLEM_CODES.map((code) => {
    const { status, title } = PROBLEMS[code];
    return `<li><a href="/problems/${code}"><code>${code}</code></a> (${status}): ${Bun.escapeHTML(title)}</li>`;
  });
  return `<h1>Problems</h1>\n<p>Every error of this API is one of these.</p>\n<ul>\n${lines.join("\n")}\n</ul>`;
}

function explanation(code: ProblemCode): string {
  const { status, title, meaning, cause, remedy, retryAfterS } = PROBLEMS[code];
  const { rule, fails, succeeds, setting } = EXAMPLES[code];
  const where = setting === undefined ? "" : ` from a server with <code>${setting}</code>`;
  const parts = [
    ["What happened", meaning],
    ["Why it happens", cause],
    ["The rule", rule],
    [
      "What to do",
      retryAfterS === undefined || remedy.includes("Retry-After")
        ? remedy
        : `${remedy} Retry-After says in how many seconds.`,
    ],
  ].map(([name = "", text = ""]) => `<dt>${name}</dt>\n<dd>${Bun.escapeHTML(text)}</dd>`);
  return `<h1>${Bun.escapeHTML(title)}</h1>
<p><code>${code}</code>, HTTP status ${status}</p>
<dl>
${parts.join("\n")}
</dl>
${fails === undefined ? "" : `<h2>A request that gets it${where}</h2>\n${listing(fails)}\n`}<h2>A request that succeeds</h2>
${listing(succeeds)}
<p>The commands are for a system that <code>bun start</code> has started, with its two example wallets.</p>
<p><a href="/problems">All problems</a></p>`;
}

function listing(commands: string): string {
  return `<pre><code>${Bun.escapeHTML(commands)}</code></pre>`;
}
