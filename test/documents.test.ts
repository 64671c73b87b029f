import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sectionOf } from "./end-to-end/document.ts";

/** The documents against the checkout: what they link to, name and tell to run is there. */

const CHECKOUT = join(import.meta.dir, "..");
const read = (path: string): string => readFileSync(join(CHECKOUT, path), "utf8");
const found = (pattern: string): string[] => [...new Bun.Glob(pattern).scanSync({ cwd: CHECKOUT })].toSorted();

const DOCUMENTS = [...found("*.md"), ...found("docs/**/*.md"), ...found("bench/*.md")];

/** What a heading is linked by, as GitHub makes it. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "");
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsIn(markdown: string): string[] {
  const withoutCode = markdown.replaceAll(/^```.*?^```$/gms, "");
  return [...withoutCode.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

/** Text outside of blocks of code, in which brackets are no links. */
const prose = (markdown: string): string => markdown.replaceAll(/^```.*?^```$/gms, "");

describe("what the documents point to is there", () => {
  test("the search for documents finds them", () => {
    expect(DOCUMENTS).toContain("README.md");
    expect(DOCUMENTS.filter((path) => path.startsWith("docs/")).length).toBeGreaterThan(10);
    expect(anchorOf("What `bun run check` says, and when")).toBe("what-bun-run-check-says-and-when");
  });

  test.each(DOCUMENTS)("%s: files, headings, and the names and tests in them", (document) => {
    const missing: string[] = [];
    // A link, and what is named behind it: `symbols` of the file, or "titles" of tests.
    const link = /\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)]+))?\)((?:(?:, | )(?:`[^`]+`|"[^"]+"))*)/g;
    for (const [, target = "", anchor, named = ""] of prose(read(document)).matchAll(link)) {
      const path = target === "" ? join(CHECKOUT, document) : join(CHECKOUT, dirname(document), target);
      if (!existsSync(path)) missing.push(target);
      else if (
        anchor !== undefined &&
        path.endsWith(".md") &&
        !anchorsIn(readFileSync(path, "utf8")).includes(anchor)
      ) {
        missing.push(`${target}#${anchor}`);
      } else if (named !== "" && !path.endsWith(".md")) {
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

  test("every document is in the index, docs/README.md", () => {
    const index = read("docs/README.md");
    const listed = [...index.matchAll(/\]\(([^)#]+\.md)(?:#[^)]*)?\)/g)].map(([, path = ""]) => join("docs", path));
    const decisions = found("docs/decisions/*.md").filter((path) => !path.endsWith("README.md"));
    const toList = found("docs/*.md").filter((path) => path !== "docs/README.md");
    expect(toList.filter((path) => !listed.includes(path))).toEqual([]);
    const listedDecisions = [...read("docs/decisions/README.md").matchAll(/\]\((\d{4}-[^)]+\.md)\)/g)];
    expect(listedDecisions.map(([, path]) => `docs/decisions/${path}`)).toEqual(decisions);
  });
});

describe("what the documents name is in the code", () => {
  const sources = found("{wallet,history,shared}/**/*.ts").map(read).join("\n");

  test("docs/operations.md: alerts, each once, and metrics", () => {
    const rules = [...read("observability/alerts.yml").matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
    const explained = [...sectionOf(read("docs/operations.md"), "Alerts").matchAll(/^\| `(\w+)` \|/gm)].map(
      ([, name = ""]) => name,
    );
    expect(explained.toSorted()).toEqual(rules.toSorted());
    const metrics = sectionOf(read("docs/operations.md"), "Whether all is well: check and metrics");
    const named = [...metrics.matchAll(/`((?:wallet|history|outbox|relay)_[a-z_]+)(?:\{[^`]*\})?`/g)];
    const unknown = named
      .map(([, name = ""]) => name)
      .filter((name) => !sources.includes(`"${name}"`) && !isOfBothServices(name, sources));
    expect(named.length).toBeGreaterThan(5);
    expect(unknown).toEqual([]);
  });

  test("docs/operations.md and .env.example: variables", () => {
    const variables = read("shared/config.ts");
    const named = [...read("docs/operations.md").matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(
      ([, name = ""]) => name,
    );
    const settings = named.filter((name) => /^(KAFKA|WALLET|HISTORY|DATABASE|INVARIANTS|CORS|API|RATE)_/.test(name));
    expect(settings.filter((name) => !variables.includes(`"${name}"`) && !isEventType(name))).toEqual([]);
  });

  test("docs/api.md and docs/concepts.md: problem codes", () => {
    const catalogue = read("shared/http/catalogue.ts");
    const named = [...read("docs/api.md").matchAll(/problems\/([a-z_]+)/g)].map(([, code = ""]) => code);
    expect(named.filter((code) => !catalogue.includes(`\n  ${code}: {`))).toEqual([]);
  });
});

/** Named in the code by a template, such as `${service}_invariant_holds`. */
function isOfBothServices(name: string, sources: string): boolean {
  return sources.includes(`\`\${service}${name.replace(/^(wallet|history)/, "")}\``);
}

function isEventType(name: string): boolean {
  return existsSync(join(CHECKOUT, `events/${name}.schema.json`));
}
