import type { Attack, Victims } from "./wallet-hostile.ts";

/** Requests that a wallet service refuses for their path, query, method or headers. */

export function addresses({ alice }: Victims): Attack[] {
  const ids = [
    "1",
    "me",
    "null",
    "%00",
    "%27%20or%201%3D1--",
    "%3Cscript%3E",
    `${alice}0`,
    alice.slice(1),
    alice.replaceAll("-", ""),
  ];
  const strange = [
    `%7B${alice}%7D`,
    `${alice}%20`,
    `${alice}%0A`,
    "..%2F..%2Fetc%2Fpasswd",
    "%F0%9F%98%80",
    "%ff",
    "x".repeat(4_000),
  ];
  const paths = (id: string): readonly (readonly [string, string])[] => [
    ["GET", `/wallets/${id}`],
    ["GET", `/wallets/${id}/transactions`],
    ["GET", `/transactions/${id}`],
    ["GET", `/transactions?wallet_id=${id}`],
    ["POST", `/wallets/${id}/fund`],
    ["POST", `/wallets/${id}/withdraw`],
    ["POST", `/wallets/${id}/transfer`],
    ["POST", `/wallets/${id}/freeze`],
    ["POST", `/wallets/${id}/unfreeze`],
  ];
  const list = `/wallets/${alice}/transactions`;
  const queries = [
    ...[
      "limit=0",
      "limit=-1",
      "limit=201",
      "limit=1.5",
      "limit=1e2",
      "limit=",
      "limit=ten",
      "limit=%2B5",
      "limit=1&limit=2",
    ],
    ...[
      "type=WALLET_CREATED",
      "type=fund",
      "type=",
      "status=DONE",
      "order=up",
      "from=yesterday",
      "from=2026-02-30T00:00:00Z",
    ],
    ...["to=1700000000", "to=2026-01-01", "reference=", "offset=1", "__proto__=1", "wallet_id=1", "%ff=1", "from=%00"],
  ];
  const cursors = [
    "x",
    "e30",
    "W10",
    "%00",
    "null",
    "'; select 1",
    "AAAA".repeat(200),
    Buffer.from('["a","1"]').toString("base64url"),
  ];
  return [
    ...[...ids, ...strange].flatMap((id) =>
      paths(id).map(([method, path]) => {
        const body = method === "POST" && !path.includes("freeze") ? { amount: "1" } : undefined;
        return { name: "the id", method, path, body, code: "invalid_request" };
      }),
    ),
    ...queries.map((query) => ({
      name: "the query",
      method: "GET",
      path: `${list}?${query}`,
      code: "invalid_request",
    })),
    ...cursors.map((cursor) => ({
      ...{
        name: "the cursor",
        method: "GET",
        path: `${list}?cursor=${encodeURIComponent(cursor)}`,
        code: "invalid_cursor",
      },
    })),
    { name: "no wallet", method: "GET", path: "/transactions", code: "invalid_request" },
    {
      name: "a state that sagas do not have",
      method: "GET",
      path: `/transactions?wallet_id=${alice}&status=COMPLETED`,
      code: "invalid_request",
    },
    { name: "a path in between", method: "POST", path: "/wallets//fund", body: { amount: "1" }, code: "not_found" },
    { name: "an unknown path", method: "GET", path: "/admin", code: "not_found" },
  ];
}

export function methods({ alice }: Victims): Attack[] {
  const allowed: Readonly<Record<string, string>> = {
    "/wallets": "POST",
    [`/wallets/${alice}`]: "GET",
    "/users/eve/wallets": "GET",
    [`/wallets/${alice}/fund`]: "POST",
    [`/wallets/${alice}/withdraw`]: "POST",
    [`/wallets/${alice}/transfer`]: "POST",
    [`/wallets/${alice}/freeze`]: "POST",
    [`/wallets/${alice}/unfreeze`]: "POST",
    [`/wallets/${alice}/transactions`]: "GET",
    [`/transactions/${alice}`]: "GET",
    "/transactions": "GET POST",
  };
  return Object.entries(allowed).flatMap(([path, right]) =>
    ["GET", "POST", "PUT", "PATCH", "DELETE"]
      .filter((method) => !right.split(" ").includes(method))
      .map((method) => ({ name: "the method", method, path, code: "method_not_allowed" })),
  );
}

export function headers({ alice, bob }: Victims): Attack[] {
  const routes: readonly (readonly [string, unknown])[] = [
    ["/wallets", { user_id: "eve" }],
    [`/wallets/${alice}/fund`, { amount: "1" }],
    [`/wallets/${alice}/withdraw`, { amount: "1" }],
    [`/wallets/${alice}/transfer`, { amount: "1", to_wallet_id: bob }],
    [`/wallets/${alice}/freeze`, undefined],
    [`/wallets/${alice}/unfreeze`, undefined],
  ];
  const keys = ["", "a b", "k".repeat(256), "é", '"a b"', '""', "\t"];
  const conditions = ["1", "W/1", '"1', '"1" "2"', "**", '"1",x', ""];
  return routes.flatMap(([path, body]) =>
    [
      ...keys.map((key) => ({ name: `the key ${key.slice(0, 9)}`, header: "idempotency-key", value: key })),
      ...(path.endsWith("freeze") || path === "/wallets" ? [] : conditions).map((value) => ({
        ...{ name: `the condition ${value}`, header: "if-match", value },
      })),
    ].map(({ name, header, value }) => ({
      name,
      method: "POST",
      path,
      body,
      headers: { [header]: value },
      code: "invalid_request",
    })),
  );
}
