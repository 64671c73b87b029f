import { invalid } from "./problems.ts";

/** One entity tag (RFC 9110 §8.8.3), and a list of them; a list may have empty elements (§5.6.1.2). */
const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\uffff]*"`;
const TAGS = new RegExp(`^[ \\t,]*${TAG}(?:[ \\t]*,[ \\t,]*${TAG})*[ \\t,]*$`);
const EACH_TAG = /(W\/)?"([^"]*)"/g;

/** A version as we write it: without leading zeros, small enough for an exact number. */
const VERSION = /^[1-9]\d{0,14}$/;

interface Tag {
  readonly weak: boolean;
  readonly text: string;
}

/** The strong entity tag of a wallet at a version: `"17"`. */
export function etag(version: number | bigint | string): string {
  return `"${version}"`;
}

/**
 * The condition of an If-Match header: undefined without one, `"any"` for `*`, else the versions that it names. Tags that no
 * version has (weak ones too: If-Match compares strongly) are well-formed but match nothing, so the list may be empty.
 * @throws Problem 400 where the header is malformed.
 */
export function parseIfMatch(header: string | null | undefined): undefined | "any" | number[] {
  if (header === null || header === undefined) return undefined;
  if (header.trim() === "*") return "any";
  const tags = parseTags(header);
  if (tags === undefined) {
    throw invalid("header", "/If-Match", 'must be * or a list of entity tags such as "3"');
  }
  return tags.filter((tag) => !tag.weak && VERSION.test(tag.text)).map((tag) => Number(tag.text));
}

/** Whether If-None-Match names this tag, so that a GET answers 304. Compares weakly; a malformed header is no condition. */
export function ifNoneMatch(header: string | null | undefined, current: string): boolean {
  if (header === null || header === undefined) return false;
  if (header.trim() === "*") return true;
  const text = current.replace(/^W\//, "").slice(1, -1);
  return parseTags(header)?.some((tag) => tag.text === text) ?? false;
}

function parseTags(header: string): Tag[] | undefined {
  if (!TAGS.test(header)) return undefined;
  return Array.from(header.matchAll(EACH_TAG), ([, weak, text = ""]) => ({ weak: weak !== undefined, text }));
}
