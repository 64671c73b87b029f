/**
 * A bug that is planted, on purpose and for a moment, in a copy of the checkout: the tests that guard what it breaks must
 * go from green to red, or they guard nothing.
 */
export interface Plant {
  /** Short, words with hyphens: what `--only` takes. */
  readonly name: string;
  /** What the bug would do to somebody's money, or to the record of it. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** Tests that are green without the bug; each must be red with it. The fewest that show it. */
  readonly caught_by: readonly NamedTest[];
}

/** A change of one place of one file. */
export interface Edit {
  /** From the root of the checkout. */
  readonly file: string;
  /** As it stands there, once and only once. */
  readonly old: string;
  readonly new: string;
}

export interface NamedTest {
  /** From the root of the checkout. */
  readonly file: string;
  /** As it is written in the file; of a test with many cases, the part that is the same in all: one of them must be red. */
  readonly title: string;
}

/** The code has moved on, and the plant must follow it: nothing was planted. */
export class StalePlant extends Error {
  override readonly name = "StalePlant";
}

/** The text with the bug in it. @throws StalePlant unless the old text is there exactly once */
export function planted(text: string, edit: Edit): string {
  const [before, after, ...more] = text.split(edit.old);
  if (before === undefined || after === undefined || more.length > 0) {
    const times = text.split(edit.old).length - 1;
    throw new StalePlant(`${edit.file} has the text to change ${times} times, not once:\n${edit.old}`);
  }
  return `${before}${edit.new}${after}`;
}
