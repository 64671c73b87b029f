import { describe, expect, test } from "bun:test";
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
