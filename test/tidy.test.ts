import { describe, expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";
import { schemasOf } from "../sql/migrate.ts";

/** The rules of the house that a machine can check. */

const ROOT = join(import.meta.dir, "..");
const SERVERS = ["wallet", "history", "shared"] as const;
/** A sign that a file or function holds more than one thing; the mend is to split it by meaning. */
const LONG_FILE_LINES = 250;
const LONG_FUNCTION_LINES = 60;

interface Source {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

const SKIPPED = /^(node_modules|\.data|\.git)\//;

async function sources(pattern: string): Promise<Source[]> {
  const paths = await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }));
  const ours = paths.filter((path) => !SKIPPED.test(path)).toSorted();
  return Promise.all(ours.map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })));
}

const typescript = await sources("**/*.{ts,tsx}");
const sqlFiles = await sources("sql/**/*.sql");

const topOf = (path: string): string => path.split("/")[0] ?? "";
/** Tests and what only they use. */
const isForTests = ({ path }: Source): boolean =>
  /(^test\/|\.test\.ts$|\.fixture\.ts$|testing\.ts$|example-app\.ts$)/.test(path);
const isServer = (source: Source): boolean => SERVERS.some((top) => top === topOf(source.path)) && !isForTests(source);

/** What a file imports, files of ours as paths from the root. */
function importsOf({ path, text }: Source): string[] {
  const named = [
    ...text.matchAll(/(?:^|\n)(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|^import "([^"]+)"/gm),
  ];
  return named.map(([, from, dynamic, bare]) => {
    const name = from ?? dynamic ?? bare ?? "";
    return name.startsWith(".") ? normalize(join(dirname(path), name)) : name;
  });
}

const ours = (name: string): boolean => name.endsWith(".ts");
const found = <T>(list: readonly T[], describeOne: (one: T) => string[]): string[] => list.flatMap(describeOne);

describe("imports go one way", () => {
  test("the search for imports finds them", () => {
    const text =
      'import { a } from "./a.ts";\nimport type {\n  B,\n} from "../b.ts";\nconst c = await import("kafkajs");\n';
    expect(importsOf({ path: "shared/http/x.ts", text })).toEqual(["shared/http/a.ts", "shared/b.ts", "kafkajs"]);
  });

  test("a service imports itself and shared/, and shared/ only itself", () => {
    const strays = found(typescript.filter(isServer), (source) => {
      const allowed = [topOf(source.path), "shared"];
      return importsOf(source)
        .filter((name) => ours(name) && !allowed.includes(topOf(name)))
        .map((name) => `${source.path} → ${name}`);
    });
    expect(strays).toEqual([]);
  });

  test("what is for tests is imported by tests and tools of development alone", () => {
    const helpers = new Set(typescript.filter(isForTests).map(({ path }) => path));
    const strays = found(
      typescript.filter((source) => !isForTests(source) && !["dev", "bench"].includes(topOf(source.path))),
      (source) =>
        importsOf(source)
          .filter((name) => helpers.has(name))
          .map((name) => `${source.path} → ${name}`),
    );
    expect(strays).toEqual([]);
  });

  const ONLY_IMPORTERS = { "decimal.js": "shared/money.ts", kafkajs: "shared/kafka.ts" };
  test.each(Object.entries(ONLY_IMPORTERS))("%s is imported by %s alone, tests aside", (library, importer) => {
    const importers = typescript.filter((source) => importsOf(source).includes(library) && !isForTests(source));
    expect(importers.map(({ path }) => path)).toEqual([importer]);
  });

  test("the servers read their environment in shared/config.ts alone", () => {
    const readers = typescript.filter((source) => isServer(source) && /\b(process|Bun)\.env\b/.test(source.text));
    expect(readers.map(({ path }) => path)).toEqual(["shared/config.ts"]);
  });
});

/** Template strings that are SQL, of postgres.js (whole statements) and of Drizzle (parts of expressions). */
function statementsOf({ text }: Source): string[] {
  const templates = [...text.matchAll(/\b(?:sql|tx)(?:<[^`;]*?>)?`([^`]*)`/g)].map(([, sql = ""]) =>
    sql.trim().toLowerCase(),
  );
  return templates.filter((sql) =>
    /^(select|insert|update|delete|with|merge|create|alter|drop|truncate|lock|grant)\b/.test(sql),
  );
}

/** A call of a function, or a look at the server's own state: what else there is to say in SQL is said in sql/. */
function isCall(statement: string): boolean {
  const tables = [...statement.matchAll(/\b(?:from|join)\s+([^\s,()]+)\s*(\(?)/g)];
  const state = /^(pg_\w+|\$\{sql\(service\)\}\.schema_compatibility)$/;
  return statement.startsWith("select") && tables.every(([, name = "", call]) => call === "(" || state.test(name));
}

describe("SQL is in sql/", () => {
  test("the search for statements finds them", () => {
    const text =
      "sql<Row[]>`\n select a from wallets`; tx`delete from gaps`; sql`select f(1)`; sql`select a from s.f(1)`; sql`a = b`";
    const statements = statementsOf({ path: "wallet/x.ts", text });
    expect(statements.map(isCall)).toEqual([false, false, true, true]);
  });

  test("the servers call functions and read with Drizzle", () => {
    const strays = found(typescript.filter(isServer), (source) =>
      statementsOf(source)
        .filter((statement) => !isCall(statement))
        .map((statement) => `${source.path}: ${statement}`),
    );
    expect(strays).toEqual([]);
  });

  test("no server makes SQL of strings: what is raw is one of two constants", () => {
    expect(
      typescript
        .filter(
          (source) =>
            isServer(source) && /\.unsafe\(|sql\.raw\((?!\w+ === "\w+" \? "[^"]+" : "[^"]+"\))/.test(source.text),
        )
        .map(({ path }) => path),
    ).toEqual([]);
  });

  test("every file names its schemas in its first line", () => {
    const files = sqlFiles.filter(({ path }) => path !== "sql/schema.sql");
    expect(files.length).toBeGreaterThan(20);
    for (const { path, text } of files) expect(schemasOf(path, text).length).toBeGreaterThan(0);
  });

  test("migrations are numbered, each number once", () => {
    const names = sqlFiles.map(({ path }) => path).filter((path) => path.startsWith("sql/migrations/"));
    for (const name of names) expect(name).toMatch(/\/\d{4}_[a-z_]+\.sql$/);
    expect(new Set(names.map((name) => name.slice(0, "sql/migrations/0000".length))).size).toBe(names.length);
  });
});

describe("nothing is left lying about", () => {
  const NOTES = new RegExp(`\\b(${["TO", "FIX"].map((word, at) => word + ["DO", "ME"][at]).join("|")})\\b`);
  const FOCUS = /\b(test|describe|it)\.only\b/;

  test("no notes of unfinished work", () => {
    expect([...typescript, ...sqlFiles].filter(({ text }) => NOTES.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("no test that keeps the others from running", () => {
    const focused = typescript.filter(
      ({ path, text }) => path.endsWith(".test.ts") && FOCUS.test(text.replaceAll(String(FOCUS), "")),
    );
    expect(focused.map(({ path }) => path)).toEqual([]);
  });
});

describe("dependencies", () => {
  test("each has its line of reason in docs/dependencies.md, and no other has", async () => {
    const { dependencies, optionalDependencies, devDependencies } = await Bun.file(join(ROOT, "package.json")).json();
    const page = await Bun.file(join(ROOT, "docs/dependencies.md")).text();
    const explained = [...page.matchAll(/^\| `([^`]+)` \| .{20,} \|$/gm)].map(([, name]) => name);
    expect(new Set(explained)).toEqual(
      new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies })),
    );
  });

  test("the servers need fewer than 15, each pinned to one version", async () => {
    const { dependencies, optionalDependencies, devDependencies } = await Bun.file(join(ROOT, "package.json")).json();
    expect(Object.keys(dependencies).length).toBeLessThan(15);
    for (const version of Object.values({ ...dependencies, ...optionalDependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
  });
});

/** Functions that are longer than a screen. The formatter puts a function's last line at the indentation of its first. */
function longFunctions({ path, text }: Source): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, from) => {
    const [, indentation] =
      /^(\s*)(?:export )?(?:async )?(?:function\b|[\w#]+(?:<.*>)?\(.*\).*\{$|const \w+ = .*=> \{$)/.exec(line) ?? [];
    if (indentation === undefined || /^\s*(if|for|while|switch|catch|return)\b/.test(line)) return [];
    const length = lines.slice(from).findIndex((each) => each.startsWith(`${indentation}}`)) + 1;
    return length > LONG_FUNCTION_LINES ? [`${path}:${from + 1}: a function of ${length} lines`] : [];
  });
}

describe("sizes", () => {
  test("are told where they are a sign to split (this never fails)", () => {
    const files = [...typescript, ...sqlFiles].filter(({ path }) => path !== "sql/schema.sql");
    const long = files.filter(({ text }) => text.split("\n").length > LONG_FILE_LINES + 1);
    const warnings = [
      ...long.map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`),
      ...typescript.filter((source) => !isForTests(source)).flatMap(longFunctions),
    ];
    for (const warning of warnings) console.warn(`tidy: ${warning}`);
    expect(files.length).toBeGreaterThan(0);
  });
});
