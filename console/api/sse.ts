/** The text of the WHATWG's `text/event-stream`, cut into messages. */

export interface Message {
  readonly event: string;
  readonly data: string;
  /** Of this message or, where it has none, of the last that had one. */
  readonly id: string;
}

/** Takes text as it arrives, in pieces of any length, and gives the messages that it completes. */
export function createParser(): (text: string) => Message[] {
  let rest = "";
  let id = "";
  return (text) => {
    // On the whole of it: the two characters of a line's end may come in two pieces.
    rest = (rest + text).replaceAll("\r\n", "\n");
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const fields = block.split("\n").map(fieldOf);
      const valuesOf = (wanted: string) => fields.filter(([name]) => name === wanted).map(([, value]) => value);
      id = valuesOf("id").at(-1) ?? id;
      const data = valuesOf("data");
      return data.length === 0 ? [] : [{ event: valuesOf("event").at(-1) ?? "message", data: data.join("\n"), id }];
    });
  };
}

/** A comment is a field without a name. */
function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  if (colon === -1) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
