import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { identify } from "../../dev/processes.ts";
import { type Plant, planted } from "./plant.ts";

/** A copy of the checkout, in which bugs are planted and taken out again. The checkout itself is never touched. */
export interface Copy {
  readonly folder: string;
  /** Puts the bug in; what it gives takes it out. @throws StalePlant, and then nothing has changed */
  plant(plant: Plant): () => void;
  remove(): void;
}

const CHECKOUT = join(import.meta.dir, "../..");
const COPIES = join(CHECKOUT, ".data/planted");
/** What the copy shares with the checkout, or does without. */
const NOT_COPIED = new Set(["node_modules", ".data", ".git"]);

/** Makes the copy below `.data/`, with the same packages and the same programs of the broker. */
export function makeCopy(): Copy {
  removeLeftovers();
  const folder = join(COPIES, String(process.pid));
  mkdirSync(join(folder, ".data"), { recursive: true });
  for (const name of new Bun.Glob("*").scanSync({ cwd: CHECKOUT, onlyFiles: false, dot: true })) {
    if (!NOT_COPIED.has(name)) cpSync(join(CHECKOUT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  const kafka = join(CHECKOUT, ".data/kafka");
  if (existsSync(kafka)) symlinkSync(kafka, join(folder, ".data/kafka"));
  return {
    folder,
    plant(plant) {
      const texts = bugged(folder, plant);
      const sound = new Map(Array.from(texts.keys(), (file) => [file, readFileSync(join(folder, file), "utf8")]));
      writeAll(folder, texts);
      return () => writeAll(folder, sound);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What runs have left that were killed: a copy has the id of its process for a name. */
function removeLeftovers(): void {
  if (!existsSync(COPIES)) return;
  for (const name of readdirSync(COPIES)) {
    if (identify(Number(name)) === null) rmSync(join(COPIES, name), { recursive: true, force: true });
  }
}

/** The files of the plant with the bug in them, by their paths from the root. @throws StalePlant */
export function bugged(root: string, { edits }: Plant): Map<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const text = texts.get(edit.file) ?? readFileSync(join(root, edit.file), "utf8");
    texts.set(edit.file, planted(text, edit));
  }
  return texts;
}

function writeAll(folder: string, texts: ReadonlyMap<string, string>): void {
  for (const [file, text] of texts) {
    const path = join(folder, file);
    // A plant is data: it must not lead out of the copy.
    if (relative(folder, path).startsWith(`..${sep}`)) throw new Error(`${file} is not in the checkout`);
    writeFileSync(path, text);
  }
}
