import { describe, expect, test } from "bun:test";
import { DrizzleQueryError } from "drizzle-orm";
import { createLog } from "./log.ts";

function logged(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(
    createLog({
      service: "wallet",
      level: "info",
      pretty: false,
      destination: { write: (line) => void lines.push(line) },
    }),
  );
  return lines;
}

describe("a log line", () => {
  test("is JSON with service, level, time and message", () => {
    const [line = ""] = logged((log) => log.info({ wallets: 3 }, "ready"));
    const parsed = JSON.parse(line);
    expect(parsed).toMatchObject({ service: "wallet", level: "info", msg: "ready", wallets: 3 });
    expect(new Date(parsed.time).toISOString()).toBe(parsed.time);
  });

  test("below the level is not written", () => {
    expect(logged((log) => log.debug("detail"))).toEqual([]);
  });

  test("tells of an error without the data of its statement, which are amounts and what people wrote", () => {
    const lost = Object.assign(new Error('duplicate key value violates unique constraint "wallets_pkey"'), {
      code: "23505",
      detail: "Failing row contains (hunter2, 17.1234).",
      parameters: ["hunter2"],
    });
    const failed = new DrizzleQueryError("select id from wallets where user_id = $1", ["hunter2", 17.1234], lost);
    const lines = logged((log) => {
      log.warn({ err: lost }, "lost");
      log.error({ err: failed }, "request failed");
    });
    expect(lines).toHaveLength(2);
    expect(lines.join("")).not.toMatch(/hunter2|17\.1234/);
    expect(lines[0]).toContain("23505");
    for (const line of lines) expect(line).toContain("violates unique constraint");
    expect(JSON.parse(lines[1] ?? "").err.stack).toContain("log.test.ts");
  });

  test("never holds a secret", () => {
    const lines = logged((log) => {
      log.error(new Error("connect to postgres://me:hunter2@localhost/wallet failed"), "start");
      log.info(
        { databaseUrl: "postgres://me:hunter2@localhost/wallet", kafka: { sasl: { password: "hunter2" } } },
        "config",
      );
      log.info({ headers: { authorization: "Bearer hunter2" } }, "request");
    });
    expect(lines).toHaveLength(3);
    expect(lines.join("")).not.toContain("hunter2");
  });
});
