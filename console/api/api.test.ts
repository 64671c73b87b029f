import { describe, expect, test } from "bun:test";
import { toCurl } from "./curl.ts";
import { createParser } from "./sse.ts";

describe("server-sent events are cut out of the text however it arrives", () => {
  const text =
    ': connected\n\nevent: A\nid: 0-1\ndata: {"n":1}\n\n: keep-alive\n\nevent: B\r\ndata: x\r\ndata: y\r\n\r\n';
  const messages = [
    { event: "A", data: '{"n":1}', id: "0-1" },
    { event: "B", data: "x\ny", id: "0-1" },
  ];

  test.each([1, 2, 3, 7, 1_000])("in pieces of %d", (length) => {
    const parse = createParser();
    const pieces = text.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
    expect(pieces.flatMap((piece) => parse(piece))).toEqual(messages);
  });

  test("what is not complete is not told", () => {
    expect(createParser()("event: A\ndata: 1\n")).toEqual([]);
  });
});

describe("a call becomes a command that a shell takes as it is meant", () => {
  test("with its headers and its body, quotes included", () => {
    const body = JSON.stringify({ amount: "1", description: `it's "$HOME"` });
    const command = toCurl({ method: "POST", url: "http://h/x", headers: { "Idempotency-Key": "k'1" }, body });
    const words = Bun.spawnSync(["sh", "-c", command.replace(/^curl/, "printf '%s\\n'")]).stdout.toString();
    expect(words.trimEnd().split("\n")).toEqual(["-i", "http://h/x", "-H", "Idempotency-Key: k'1", "-d", body]);
  });

  test("with the shell's key and not the page's, where one is needed", () => {
    const command = toCurl({ method: "GET", url: "http://h/x", headers: {}, withKey: true });
    const shell = ["sh", "-c", command.replace(/^curl/, "printf '%s\\n'")];
    const words = Bun.spawnSync(shell, { env: { API_KEY: "dw_x" } }).stdout.toString();
    expect(words.trimEnd().split("\n")).toEqual(["-i", "http://h/x", "-H", "Authorization: Bearer dw_x"]);
  });

  test("a POST without a body says so", () => {
    expect(toCurl({ method: "POST", url: "http://h/x", headers: {} })).toBe("curl -i -X POST 'http://h/x'");
  });
});
