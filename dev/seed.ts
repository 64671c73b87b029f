/** Two example wallets with known ids, so that commands in the documentation can be pasted. */
import { connectFunctions } from "../shared/database.ts";
import { isUuid } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import { callWith, execute } from "../wallet/execute.ts";
import type { Attempt, Operation } from "../wallet/operation.ts";

export const EXAMPLE_WALLETS = [
  {
    id: "01890000-0000-7000-8000-000000000001",
    funding_id: "01890000-0000-7000-8000-000000000011",
    user_id: "alice",
    funded: "1000.0000",
  },
  {
    id: "01890000-0000-7000-8000-000000000002",
    funding_id: "01890000-0000-7000-8000-000000000012",
    user_id: "bob",
    funded: "250.0000",
  },
] as const;

/** Makes the example wallets where there is no wallet at all, and funds them; says whether there was anything to do. */
export async function seed(databaseUrl: string, log: Log): Promise<boolean> {
  const sql = connectFunctions(databaseUrl, { service: "wallet", purpose: "seed", max: 1 });
  const apply = async (operations: Operation[]): Promise<void> => {
    const outcomes = await execute(operations, { call: callWith(sql), log, now: () => performance.now() });
    const refused = outcomes.find((outcome) => outcome.failure !== undefined || outcome.status >= 300);
    if (refused !== undefined) throw new Error(`The example wallets could not be made: ${JSON.stringify(refused)}`);
  };
  try {
    const isEmpty = (await sql`select from wallet.wallets limit 1`).length === 0;
    if (isEmpty) await apply(EXAMPLE_WALLETS.map(opening));
    // Version 1 is a wallet that nothing has happened to; one left by a start that ended in between is funded too.
    const untouched = await sql<{ id: string }[]>`
      select id from wallet.wallets where version = 1 and id in ${sql(EXAMPLE_WALLETS.map(({ id }) => id))}`;
    const unfunded = EXAMPLE_WALLETS.filter(({ id }) => untouched.some((wallet) => wallet.id === id));
    if (unfunded.length > 0) await apply(unfunded.map(funding));
    return unfunded.length > 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

type ExampleWallet = (typeof EXAMPLE_WALLETS)[number];

function opening({ id, user_id }: ExampleWallet): Operation {
  if (!isUuid(id)) throw new Error(`${id} is no UUID`);
  return { ...attempt("open", id), kind: "CREATE", id, user_id, currency: "USD" };
}

function funding({ id, funding_id, funded }: ExampleWallet): Operation {
  return {
    ...attempt("fund", id),
    kind: "FUND",
    id: funding_id,
    wallet_id: id,
    amount: funded,
    description: "Example money",
  };
}

function attempt(what: string, id: string): Attempt {
  return {
    key: `example:${what}:${id}`,
    fingerprint: new Bun.CryptoHasher("sha256").update(`${what} ${id}`).digest("hex"),
    instance: `/wallets/${id}`,
    request_id: "example-wallets",
  };
}
