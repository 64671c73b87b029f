import { Elysia, t } from "elysia";
import { HIDDEN } from "./describe.ts";
import { exact } from "./fields.ts";
import { htmlPage } from "./page.ts";
import { isProblemCode, PROBLEM_CODES, PROBLEMS, Problem, type ProblemCode } from "./problems.ts";

/** What a problem's `type` leads to: `GET /problems` lists the codes, `GET /problems/<code>` explains one. */
export function problemPages() {
  return new Elysia()
    .get("/problems", () => htmlPage("Problems", listOfCodes()), HIDDEN)
    .get(
      "/problems/:code",
      ({ params }) => {
        if (!isProblemCode(params.code)) throw new Problem("not_found");
        return htmlPage(PROBLEMS[params.code].title, explanation(params.code));
      },
      { ...HIDDEN, params: exact({ code: t.String() }) },
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
  const { status, title, meaning, cause, remedy } = PROBLEMS[code];
  const parts = [
    ["What it means", meaning],
    ["Why it happens", cause],
    ["What to do", remedy],
  ].map(([name = "", text = ""]) => `<dt>${name}</dt>\n<dd>${Bun.escapeHTML(text)}</dd>`);
  return `<h1>${Bun.escapeHTML(title)}</h1>
<p><code>${code}</code>, HTTP status ${status}</p>
<dl>
${parts.join("\n")}
</dl>
<p><a href="/problems">All problems</a></p>`;
}
