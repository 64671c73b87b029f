import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { constantsOfServers, declared, evaluate } from "./bounds.ts";

/** docs/bounds.md, which lists every number that bounds the servers. */

const ROOT = join(import.meta.dir, "..");
const text = (name: string): Promise<string> => Bun.file(join(ROOT, name)).text();

/** Numbers that bound nothing: units, ports, versions, numbers of a format or a protocol, and examples. */
const NO_BOUNDS =
  /(\b|_)(MS_PER_S|MICROS_PER_SECOND|DEFAULT_PORT|CODE_VERSION|NEVER_MIGRATED|MIGRATION_LOCK|SCALE|SECRET_BYTES|BITS|GROUPS|SERVER_ERRORS_FROM|SCOPE_CHARACTERS|SCHEME_CHARACTERS|REQUEST_HEADERS|WINDOWS_MS|ROUNDING_MS|R|EVENT|EXAMPLES|MONEY)(\.\w+)?$/;

const UNITS: Readonly<Record<string, string>> = { ms: "MS", s: "S", bytes: "BYTES", characters: "CHARACTERS" };

interface Row {
  readonly place: string;
  readonly value: number;
  readonly unit: string;
}

function rowsOf(page: string): Row[] {
  const rows = [
    ...page.matchAll(/^\| .+ \| ([\d,.]+) ?(\w*) \| \[(.+?)\]\(\.\.\/(.+?)\) `(\w+)`(?: `(\w+)`)? \| .+ \|$/gm),
  ];
  return rows.map(([, value = "", unit = "", shown, file, name, member]) => {
    expect(shown).toBe(file);
    return {
      place: `${file} ${name}${member === undefined ? "" : `.${member}`}`,
      value: Number(value.replaceAll(",", "")),
      unit,
    };
  });
}

describe("the page and the code say the same", () => {
  test("each row names a constant that is there, with its value and its unit", async () => {
    const rows = rowsOf(await text("docs/bounds.md"));
    expect(rows.length).toBeGreaterThan(100);
    const inCode = new Map((await constantsOfServers()).map(({ file, name, value }) => [`${file} ${name}`, value]));
    for (const { place, value, unit } of rows) {
      expect([place, value]).toEqual([place, inCode.get(place) ?? Number.NaN]);
      expect([place, unit === "" || place.endsWith(`_${UNITS[unit]}`)]).toEqual([place, true]);
    }
    const places = rows.map(({ place }) => place);
    expect(places.filter((place, index) => places.indexOf(place) !== index)).toEqual([]);
  });

  test("every number that bounds a server has its row", async () => {
    const told = new Set(rowsOf(await text("docs/bounds.md")).map(({ place }) => place));
    const untold = (await constantsOfServers()).filter(
      ({ file, name }) => !NO_BOUNDS.test(name) && !told.has(`${file} ${name}`),
    );
    expect(untold.map(({ file, name, value }) => `${file} ${name} = ${value}`)).toEqual([]);
  });

  test("each setting of the gateway and the containers is there", async () => {
    const page = await text("docs/bounds.md");
    const rows = [
      ...page.matchAll(/^\| .+ \| \[.+?\]\(\.\.\/(nginx\.conf|compose\.yaml|sql\/schema\.sql)\) \| (.+?) \| .+ \|$/gm),
    ];
    expect(rows.length).toBeGreaterThan(10);
    for (const [, file = "", settings = ""] of rows) {
      const content = await text(file);
      const named = [...settings.matchAll(/`([^`]+)`/g)].map(([, setting = ""]) => setting);
      expect([settings, named.filter((setting) => !content.includes(setting))]).toEqual([settings, []]);
    }
  });
});

describe("the numbers are read as the code means them", () => {
  test("sums, products, powers, names, and members of objects", () => {
    const source = `
const A_MS = 2 * (1_000 + 500);
export const B_S = OTHER + 2 ** 3;
const TEXT = "5";
const C = { first: 50, most: A_MS * 2, word: "x" } as const;
  const D: number = 7;`;
    expect(Object.fromEntries(declared(source, new Map([["OTHER", 1]])))).toEqual({
      ...{ A_MS: 3_000, B_S: 9, "C.first": 50, "C.most": 6_000, D: 7 },
    });
    expect(evaluate("performance.now()", () => Number.NaN)).toBeNaN();
  });
});
