import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConfigError, loadConfig, VARIABLES } from "./config.ts";
import {
  parseBrokers,
  parseFlag,
  parseInteger,
  parseName,
  parseOneOf,
  parseOrigins,
  parsePort,
  parsePostgresUrl,
} from "./config-values.ts";

/** What the texts of variables mean, case by case, is told in config.test.ts; here is what holds for every text. */

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(..."0123456789:/.,[]@-_ aZ"), maxLength: 40 }),
  fc.webUrl(),
  fc.ipV6(),
);

describe("every text is a value, or it is told what should have been", () => {
  const parsers: [string, (given: string) => { ok: boolean; expected?: string }][] = Object.entries({
    parseBrokers,
    parseFlag,
    parseName,
    parseOrigins,
    parsePort,
    parsePostgresUrl,
  });

  test.each(parsers)("%s, and what it says repeats nothing of it", (_, parse) => {
    fc.assert(
      fc.property(text, text, (before, behind) => {
        for (const given of [before, `${before}s3cret${behind}`]) {
          const parsed = parse(given);
          if (!parsed.ok) expect(parsed.expected).not.toContain("s3cret");
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("a whole number is one between its bounds, in digits alone", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.integer().map(String)), fc.nat(), fc.nat(), (given, one, other) => {
        const [min, max] = [Math.min(one, other), Math.max(one, other)];
        const parsed = parseInteger(given, min, max);
        const fits = /^[0-9]+$/.test(given) && !given.endsWith("\n") && BigInt(given) >= min && BigInt(given) <= max;
        expect(parsed.ok).toBe(fits);
        if (parsed.ok) expect(BigInt(parsed.value)).toBe(BigInt(given));
      }),
      { numRuns: 1_000 },
    );
  });

  test("brokers are hosts with ports that can be dialled", () => {
    const broker = fc.oneof(
      fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
      fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `[${host}]:${port}`),
    );
    fc.assert(
      fc.property(
        fc.array(broker, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(",", ", ", " ,"),
        (brokers, comma) => {
          // An address that ends in IPv4's form is no host that anybody writes here.
          const plain = brokers.filter((each) => !/\[.*\.\d+\]/.test(each));
          if (plain.length === 0) return;
          expect(parseBrokers(plain.join(comma))).toEqual({ ok: true, value: plain });
        },
      ),
    );
  });

  test("a choice is one of its words, in either case", () => {
    const words = ["plain", "scram-sha-256"] as const;
    fc.assert(
      fc.property(fc.oneof(text, fc.constantFrom(...words), fc.constant("SCRAM-SHA-256")), (given) => {
        const parsed = parseOneOf(words, given);
        expect(parsed.ok).toBe(words.some((word) => word === given.toLowerCase()));
      }),
    );
  });
});

describe("any environment is a configuration, or all that is wrong with it", () => {
  test("in lines that name the variable and repeat no value", () => {
    const environment = fc.dictionary(
      fc.constantFrom(...VARIABLES),
      fc.oneof(text, fc.constant("postgres://u:p@h:5432/d"), fc.constant("localhost:9092"), fc.constant("true")),
    );
    fc.assert(
      fc.property(environment, fc.constantFrom("wallet" as const, "history" as const), (env, service) => {
        try {
          loadConfig(service, { ...env, WALLET_PORT: `s3cret-${env.PORT ?? ""}`, HISTORY_PORT: "s3cret" });
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const problem of error.problems) {
            expect(VARIABLES.some((name) => problem.startsWith(name))).toBe(true);
            expect(problem).not.toContain("s3cret");
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
