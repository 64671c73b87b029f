import { describe, expect, test } from "bun:test";
import { createExample } from "./example-app.ts";
import { invalid, PROBLEM_CODES, PROBLEMS, Problem, problemHead, problemResponse } from "./problems.ts";

const context = { instance: "/wallets/1/withdraw", requestId: "r-1" };

describe("a problem's bytes are the same wherever they are made", () => {
  test("a body put together from its head, as a SQL function does it, equals the server's", async () => {
    for (const code of PROBLEM_CODES) {
      const stored = `${problemHead(code)},"instance":"/wallets/1/withdraw","request_id":"r-1","transaction_id":"t-1"}`;
      expect(await problemResponse(code, { ...context, extra: { transaction_id: "t-1" } }).text()).toBe(stored);
      const plain = `${problemHead(code)},"instance":"/wallets/1/withdraw","request_id":"r-1"}`;
      expect(await problemResponse(code, context).text()).toBe(plain);
    }
  });

  test("members come in the documented order, and the status is the response's", async () => {
    const errors = [{ in: "body", path: "/amount", message: "is required" }] as const;
    const response = problemResponse("invalid_request", { ...context, errors, detail: 'quoted "detail"' });
    const body = JSON.parse(await response.text());
    expect(Object.keys(body)).toEqual([
      "type",
      "title",
      "status",
      "detail",
      "code",
      "instance",
      "request_id",
      "errors",
    ]);
    expect(body).toMatchObject({ type: "/problems/invalid_request", status: 400, detail: 'quoted "detail"', errors });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  test("Retry-After is on those that may be tried again, and headers can be added", () => {
    for (const code of PROBLEM_CODES) {
      const expected = [409, 429, 503].includes(PROBLEMS[code].status);
      expect([code, problemResponse(code, context).headers.has("retry-after")]).toEqual([code, expected]);
    }
    expect(
      problemResponse("rate_limited", { ...context, headers: { "retry-after": "9" } }).headers.get("retry-after"),
    ).toBe("9");
  });

  test("a thrown problem carries its options", () => {
    expect(new Problem("wallet_not_found").message).toBe(PROBLEMS.wallet_not_found.detail);
    expect(invalid("header", "/If-Match", "must be")).toMatchObject({
      problem: "invalid_request",
      options: { errors: [{ in: "header", path: "/If-Match", message: "must be" }] },
    });
  });
});

describe("every problem's type leads to a page", () => {
  const { app } = createExample();
  const get = (path: string) => app.handle(new Request(`http://localhost${path}`));

  test("each code has a page that says what to do, and the list leads to all of them", async () => {
    const list = await (await get("/problems")).text();
    for (const code of PROBLEM_CODES) {
      const response = await get(`/problems/${code}`);
      const html = await response.text();
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(html).toContain(Bun.escapeHTML(PROBLEMS[code].remedy));
      expect(html).toContain(`HTTP status ${PROBLEMS[code].status}`);
      expect(list).toContain(`href="/problems/${code}"`);
    }
  });

  test("pages load nothing and run nothing", async () => {
    const response = await get("/problems/insufficient_funds");
    const html = await response.text();
    const policy = response.headers.get("content-security-policy") ?? "";
    const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? "";
    const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src 'sha256-${hash}'`);
    expect(html).not.toMatch(/<script|<img|<link|(src|href)="https?:|url\(/);
    expect(html).toMatch(/<html lang="en">/);
  });

  test.each(["/problems/nonsense", "/problems/toString", "/problems/__proto__", "/problems/%3Cscript%3E"])(
    "%p is a 404 problem",
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(JSON.parse(await response.text()).code).toBe("not_found");
    },
  );
});
