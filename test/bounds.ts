/** The numbers that bound the servers, as the code has them: numeric constants at the top of its files. */
import { join } from "node:path";

export interface Constant {
  /** From the root of the checkout. */
  readonly file: string;
  /** `NAME`, or `NAME.member` of a constant that is an object of numbers. */
  readonly name: string;
  readonly value: number;
}

const ROOT = join(import.meta.dir, "..");
const DECLARATION = /^\s*(?:export )?const ([A-Z][A-Z0-9_]*)(?:: [^=]+)? = ([^;]+?)(?: as const)?;/gm;
const MEMBER = /(\w+): ([^,}]+)/g;
const NOT_SERVERS = /\.test\.ts$|\.fixture\.ts$|testing\.ts$|example-app\.ts$/;

/** All numeric constants of the servers and of the commands in sql/. */
export async function constantsOfServers(): Promise<Constant[]> {
  const files = await Array.fromAsync(new Bun.Glob("{wallet,history,shared,sql}/**/*.ts").scan({ cwd: ROOT }));
  const texts = new Map<string, string>();
  for (const file of files.toSorted()) {
    if (!NOT_SERVERS.test(file)) texts.set(file, await Bun.file(join(ROOT, file)).text());
  }
  // Names that are imported are looked up among all; one that means two numbers is no help and stays unknown.
  const everywhere = new Map<string, number | undefined>();
  for (const [, text] of texts) {
    for (const [name, value] of declared(text, new Map())) {
      everywhere.set(name, everywhere.has(name) && everywhere.get(name) !== value ? undefined : value);
    }
  }
  return [...texts].flatMap(([file, text]) =>
    [...declared(text, everywhere)].map(([name, value]) => ({ file, name, value })),
  );
}

/** The numeric constants of one file, in their order. */
export function declared(text: string, imported: ReadonlyMap<string, number | undefined>): Map<string, number> {
  const found = new Map<string, number>();
  const lookUp = (name: string): number => found.get(name) ?? imported.get(name) ?? Number.NaN;
  for (const [, name = "", source = ""] of text.matchAll(DECLARATION)) {
    if (source.startsWith("{")) {
      for (const [, member = "", part = ""] of source.matchAll(MEMBER)) {
        const value = evaluate(part, lookUp);
        if (!Number.isNaN(value)) found.set(`${name}.${member}`, value);
      }
    } else {
      const value = evaluate(source, lookUp);
      if (!Number.isNaN(value)) found.set(name, value);
    }
  }
  return found;
}

/** The value of sums, products and powers of numbers and names; NaN for anything else. */
export function evaluate(source: string, lookUp: (name: string) => number): number {
  const tokens = source.match(/\*\*|[-+*/()]|[\d._]+|[A-Za-z_][\w.]*|\S/g) ?? [];
  let at = 0;
  const take = (...wanted: string[]): string | undefined =>
    wanted.includes(tokens[at] ?? "") ? tokens[at++] : undefined;
  const factor = (): number => {
    if (take("(")) {
      const inner = sum();
      return take(")") ? inner : Number.NaN;
    }
    const token = tokens[at++] ?? "";
    const base = /^[\d._]+$/.test(token) ? Number(token.replaceAll("_", "")) : lookUp(token);
    return take("**") ? base ** factor() : base;
  };
  const product = (): number => {
    let value = factor();
    for (let sign = take("*", "/"); sign !== undefined; sign = take("*", "/")) {
      const next = factor();
      value = sign === "*" ? value * next : value / next;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let sign = take("+", "-"); sign !== undefined; sign = take("+", "-")) {
      const next = product();
      value = sign === "+" ? value + next : value - next;
    }
    return value;
  };
  const value = sum();
  return at === tokens.length ? value : Number.NaN;
}
