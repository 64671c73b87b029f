import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PROBLEMS, type ProblemCode } from "../../shared/http/problems.ts";
import { ATTACKS, type Attack } from "./wallet-hostile.ts";
import { type Reply, spawnWalletServices, startWalletService, type WalletService } from "./wallet-service.ts";

/** What an answer must not know of: statements, names of the database, the program's files. */
const INSIDES =
  /apply_operations|wallet_app|idempotency_keys|wallet\.wallets|PL\/pgSQL|PostgresError|DrizzleQuery|node_modules|\.ts:\d|\n\s+at /;

const environments: readonly (readonly [string, () => Promise<WalletService>])[] = [
  ["in development", () => startWalletService("hostile")],
  [
    "in production",
    async () => {
      const [service] = await spawnWalletServices("hostile production", 1, { NODE_ENV: "production" });
      return service!;
    },
  ],
];

describe.each(environments)(
  "a bad request is refused by its code, tells nothing and changes nothing: %s",
  (_, start) => {
    let service: WalletService;
    let victims: { alice: string; bob: string };

    beforeAll(async () => {
      service = await start();
      victims = { alice: await service.open("100"), bob: await service.open("100") };
    });
    afterAll(() => service.stop());

    test.each(Object.keys(ATTACKS))("%s", async (group) => {
      const before = await service.state();
      const attacks = ATTACKS[group]!(victims);
      const replies = await Promise.all(attacks.map((attack) => service.send(attack.method, attack.path, attack)));
      const wrong = attacks.flatMap((attack, n) => faultsOf(attack, replies[n]!));
      expect(wrong).toEqual([]);
      expect(await service.state()).toBe(before);
    });
  },
);

/** What is wrong with the refusal. */
function faultsOf(attack: Attack, { status, headers, text, body }: Reply): string[] {
  const { status: wanted } = PROBLEMS[attack.code as ProblemCode];
  const [path = ""] = attack.path.split("?");
  const rules: readonly (readonly [string, boolean])[] = [
    [
      `answered ${status} ${body.code ?? text.slice(0, 80)}, not ${wanted} ${attack.code}`,
      status === wanted && body.code === attack.code,
    ],
    [
      "is no problem document",
      headers.get("content-type") === "application/problem+json" && body.type === `/problems/${body.code}`,
    ],
    [`says it is about ${body.instance}`, body.instance === path],
    ["does not name its request", body.request_id === headers.get("request-id")],
    ["tells of the insides", !INSIDES.test(text)],
    ["may be kept", headers.get("cache-control") === "no-store"],
    ["does not say what is allowed", status !== 405 || headers.get("allow") !== null],
    ["does not say what is wrong", body.code !== "invalid_request" || body.errors?.length > 0],
  ];
  return rules
    .filter(([, holds]) => !holds)
    .map(([fault]) => `${attack.method} ${path.slice(0, 80)} ${attack.name}: ${fault}`);
}
