/** A document's blocks of commands and answers: found, run in one shell from top to bottom, and compared. */
import { EXAMPLE_WALLETS } from "../../dev/seed.ts";

/** A block of commands and, where one follows, the block of what they answer. */
export interface Exchange {
  readonly commands: string;
  readonly answer?: Answer;
}

export interface Answer {
  readonly text: string;
  readonly language: string;
  /** Of the text, in the document. */
  readonly from: number;
}

/** Commands are in blocks of `sh`; their answer is the block of `json` or `text` behind them. Other blocks are pictures and listings. */
export function exchangesOf(markdown: string): Exchange[] {
  const exchanges: { commands: string; answer?: Answer }[] = [];
  for (const block of markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    const [, language = "", text = ""] = block;
    const before = exchanges.at(-1);
    if (language === "sh") exchanges.push({ commands: text });
    else if (before !== undefined && before.answer === undefined && ["json", "text"].includes(language)) {
      before.answer = { text, language, from: block.index + "```".length + language.length + 1 };
    }
  }
  return exchanges;
}

/** The part of a document under a heading of the second level. */
export function sectionOf(markdown: string, heading: string): string {
  return markdown.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g;

/** What differs from run to run gets a name by its first occurrence, so that equal ones must be equal ones. */
export class Names {
  readonly #names = new Map<string, string>();

  of(text: string): string {
    const known: readonly string[] = EXAMPLE_WALLETS.map(({ id }) => id);
    return text
      .replaceAll(UUID, (id) => (known.includes(id) ? id : this.#name(id, "id")))
      .replaceAll(INSTANT, (instant) => this.#name(instant, "time"));
  }

  #name(value: string, kind: string): string {
    const name = this.#names.get(value) ?? `<${kind} ${this.#names.size + 1}>`;
    this.#names.set(value, name);
    return name;
  }
}

/** JSON without its layout; other text without blanks at the ends of its lines. */
export function plain(text: string, language: string): string {
  if (language === "json") return JSON.stringify(JSON.parse(text));
  return text.replaceAll(/[\r ]+$/gm, "").trim();
}

/** Where the servers of a document's commands really are. */
export interface Addresses {
  readonly wallet: string;
  readonly history: string;
}

/** One shell for all commands of a document, so that what one block sets is there in the next. */
export class Shell {
  readonly #process = Bun.spawn(["bash"], { stdio: ["pipe", "pipe", "inherit"] });
  readonly #output = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  readonly #end = `end of the output ${crypto.randomUUID()}`;

  constructor(readonly addresses: Addresses) {}

  /** What the commands write to their standard output. */
  async run(commands: string): Promise<string> {
    const here = commands
      .replaceAll("http://localhost:3000", this.addresses.wallet)
      .replaceAll("http://localhost:3001", this.addresses.history);
    await this.#process.stdin.write(`{\n${here}\n} </dev/null\nprintf '\\n%s\\n' '${this.#end}'\n`);
    await this.#process.stdin.flush();
    let output = "";
    while (!output.includes(this.#end)) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error(`The shell has ended in:\n${commands}\nafter:\n${output}`);
      output += value;
    }
    return output.slice(0, output.indexOf(`\n${this.#end}`));
  }

  async close(): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
  }
}

/** An answer's lines in a document are at most this long, where there is a blank to break them at. */
const LINE_CHARACTERS = 118;

/** An answer as a document shows it. */
export function laidOut(output: string, language: string): string {
  if (language !== "json") return `${plain(output, language)}\n`;
  const words = JSON.stringify(JSON.parse(output), null, 1)
    .replaceAll(/\n\s*/g, " ")
    .replaceAll(/([{[]) | ([}\]])/g, "$1$2");
  let line = "";
  const lines: string[] = [];
  for (const word of words.split(/(?<=,) /)) {
    if (line !== "" && line.length + word.length >= LINE_CHARACTERS) {
      lines.push(line);
      line = ` ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return `${[...lines, line].join("\n")}\n`;
}
