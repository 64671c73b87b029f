import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { etag, ifNoneMatch, parseIfMatch } from "./etag.ts";
import { Problem } from "./problems.ts";

describe("If-Match names versions, strongly and exactly", () => {
  const conditions: [header: string | null | undefined, expected: ReturnType<typeof parseIfMatch>][] = [
    [null, undefined],
    [undefined, undefined],
    ["*", "any"],
    [" * ", "any"],
    ['"3"', [3]],
    ['"3", "17"', [3, 17]],
    ['"3" ,, "17",', [3, 17]],
    ['W/"3"', []],
    ['W/"3", "4"', [4]],
    ['"abc"', []],
    ['"03"', []],
    ['"0"', []],
    ['""', []],
    ['"a,b", "5"', [5]],
    ['"9007199254740993"', []],
  ];
  test.each(conditions)("%p is %p", (header, expected) => {
    expect(parseIfMatch(header)).toEqual(expected);
  });

  test.each(["", " ", "3", '"3', '3"', '"3" "4"', '"3";"4"', "*, *", '*, "3"', 'w/"3"', '"a b"', "W/3", ","])(
    "%p is malformed",
    (header) => {
      expect(() => parseIfMatch(header)).toThrow(Problem);
    },
  );

  test("a header of hostile length is answered at once", () => {
    const started = performance.now();
    expect(() => parseIfMatch(`"3"${" , ".repeat(20_000)}x`)).toThrow(Problem);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe("any list of tags is understood, and nothing else is", () => {
  const version = fc.integer({ min: 1, max: 999_999_999_999_999 });
  const opaque = fc.string({
    unit: fc.integer({ min: 0x23, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: 8,
  });
  const tag = fc.oneof(
    version.map((each) => ({ text: etag(each), versions: [each] })),
    version.map((each) => ({ text: `W/${etag(each)}`, versions: [] })),
    opaque.filter((text) => !/^[1-9]\d{0,14}$/.test(text)).map((text) => ({ text: `"${text}"`, versions: [] })),
  );
  const comma = fc.constantFrom(",", ", ", " ,", "\t,\t", ",,", " , , ");

  test("the versions that it names strongly, in its order", () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), comma, (tags, separator) => {
        const header = tags.map(({ text }) => text).join(separator);
        expect(parseIfMatch(header)).toEqual(tags.flatMap(({ versions }) => versions));
        for (const { text } of tags) expect(ifNoneMatch(header, text)).toBe(true);
      }),
    );
  });

  test("a header is a condition or a malformed request, never anything else", () => {
    const hostile = fc.array(fc.constantFrom('"', ",", " ", "W/", "*", "3", "x", "\t"), { maxLength: 200 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          hostile.map((parts) => parts.join("")),
        ),
        (header) => {
          try {
            const condition = parseIfMatch(header);
            if (condition === "any") expect(header.trim()).toBe("*");
            else for (const each of condition ?? []) expect(header).toContain(`"${each}"`);
          } catch (error) {
            expect(error).toBeInstanceOf(Problem);
          }
          expect(typeof ifNoneMatch(header, etag(3))).toBe("boolean");
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("If-None-Match saves a body that the client has", () => {
  test.each([
    [null, false],
    ['"3"', true],
    ['W/"3"', true],
    ['"2", W/"3"', true],
    ["*", true],
    ['"2"', false],
    ['"33"', false],
    ["3", false],
    ["nonsense", false],
  ])("%p: %p", (header, expected) => {
    expect(ifNoneMatch(header, etag(3))).toBe(expected);
  });

  test("versions of any numeric kind give the same tag", () => {
    expect([etag(3), etag(3n), etag("3")]).toEqual(['"3"', '"3"', '"3"']);
  });
});
