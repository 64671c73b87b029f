import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { createExample } from "./example-app.ts";

const { app } = createExample();
const get = (path: string) => app.handle(new Request(`http://localhost${path}`));

async function api() {
  const response = await get("/swagger/json");
  expect(response.status).toBe(200);
  return JSON.parse(await response.text());
}

describe("the API description is true and complete", () => {
  test("it is a valid OpenAPI 3.1 document", async () => {
    const document = await api();
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(document.openapi).toBe("3.1.0");
    expect(validator.version).toBe("3.1");
  });

  test("it shows the routes of the API, and neither pages nor probes", async () => {
    const { paths } = await api();
    expect(Object.keys(paths).filter((path) => !path.startsWith("/broken"))).toEqual([
      "/wallets/{id}/fund",
      "/wallets/{id}/freeze",
      "/wallets/{id}",
      "/users/{user_id}/items",
    ]);
    expect(Object.keys(paths["/wallets/{id}"])).toEqual(["get"]);
  });

  test("a body is JSON only, with an example, and shows what is allowed as JSON Schema says it", async () => {
    const { paths } = await api();
    const { content } = paths["/wallets/{id}/fund"].post.requestBody;
    expect(Object.keys(content)).toEqual(["application/json"]);
    expect(content["application/json"].example).toEqual({ amount: "10.50" });
    expect(content["application/json"].schema.properties.description.anyOf).toEqual([
      { type: "string", minLength: 0, maxLength: 255, pattern: "^[^\\u0000]*$" },
      { type: "null" },
    ]);
    expect(JSON.stringify(paths)).not.toContain("x-");
  });

  test("every error of a route is there, as problem+json, with an example", async () => {
    const { paths, components } = await api();
    const { responses } = paths["/wallets/{id}/fund"].post;
    expect(Object.keys(responses).toSorted()).toEqual([
      "201",
      "400",
      "404",
      "408",
      "412",
      "413",
      "415",
      "422",
      "500",
      "503",
    ]);
    const bad = responses["400"].content["application/problem+json"];
    expect(Object.keys(bad.examples).toSorted()).toEqual(["invalid_amount", "invalid_json", "invalid_request"]);
    expect(components.examples.invalid_amount.value.code).toBe("invalid_amount");
    expect(responses["503"].headers["Retry-After"]).toBeDefined();
    const list = paths["/users/{user_id}/items"].get.responses["400"].content["application/problem+json"];
    expect(Object.keys(list.examples)).toContain("invalid_cursor");
  });

  test("it tells of keys and limits where the server has them, and only there", async () => {
    const freeze = "/wallets/{id}/freeze";
    const { paths: plain, components } = await api();
    expect([plain[freeze].post.security, components.securitySchemes]).toEqual([undefined, undefined]);
    expect(Object.keys(plain[freeze].post.responses)).toEqual(["200", "400", "403", "500"]);

    const guard = { asksForKeys: true, limitsRate: true, admit: () => ({ headers: undefined, refusal: undefined }) };
    const guarded = createExample({ guard }).app;
    const answer = await guarded.handle(new Request("http://localhost/swagger/json"));
    const document = JSON.parse(await answer.text());
    expect((await new Validator().validate(document)).errors ?? []).toEqual([]);
    expect(document.components.securitySchemes.api_key).toMatchObject({ type: "http", scheme: "bearer" });
    const rolesOf = (path: string, method: string) => document.paths[path][method].security;
    expect(rolesOf("/wallets/{id}", "get")).toEqual([{ api_key: ["read"] }]);
    expect(rolesOf("/wallets/{id}/fund", "post")).toEqual([{ api_key: ["write"] }]);
    expect(rolesOf(freeze, "post")).toEqual([{ api_key: ["admin"] }]);
    const { responses } = document.paths["/wallets/{id}"].get;
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "403", "429"]));
    expect(responses["401"].headers).toHaveProperty("WWW-Authenticate");
    expect(responses["429"].headers).toHaveProperty("RateLimit");
    expect(responses["429"].headers).toHaveProperty("Retry-After");
  });

  test("parameters have their kinds, and the headers that a route reads are among them", async () => {
    const { paths } = await api();
    const of = (path: string, method: string) =>
      Object.fromEntries(
        paths[path][method].parameters.map((p: { name: string; schema: object }) => [p.name, p.schema]),
      );
    expect(of("/users/{user_id}/items", "get")).toMatchObject({
      user_id: { type: "string", minLength: 1, maxLength: 100 },
      limit: { type: "integer", minimum: 1, maximum: 200, default: 50 },
      type: { type: "string", enum: ["FUND", "WITHDRAW"] },
      from: { type: "string", format: "date-time" },
    });
    expect(of("/wallets/{id}/fund", "post")).toMatchObject({
      id: { format: "uuid" },
      "Idempotency-Key": {},
      "If-Match": {},
    });
    expect(Object.keys(paths["/wallets/{id}"].get.responses)).toContain("304");
  });

  test("a schema with a title is one component, wherever it is used", async () => {
    const { paths, components } = await api();
    const $ref = "#/components/schemas/Wallet";
    expect(paths["/wallets/{id}/fund"].post.responses["201"].content["application/json"].schema).toEqual({ $ref });
    expect(
      paths["/users/{user_id}/items"].get.responses["200"].content["application/json"].schema.properties.items.items,
    ).toEqual({ $ref });
    expect(components.schemas.Wallet.required).toEqual(["id", "amount", "description"]);
  });
});

describe("Swagger UI needs no internet", () => {
  test.each(["/swagger", "/swagger/"])("the page at %p loads only files of this server", async (path) => {
    const response = await get(path);
    const html = await response.text();
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(html).not.toContain("//");
    const links = [...html.matchAll(/(?:href|src|data-url)="([^"]+)"/g)].map(
      ([, link = ""]) => new URL(link, `http://localhost${path}`),
    );
    expect(links).toHaveLength(5);
    for (const link of links) {
      const found = await get(link.pathname);
      expect([link.pathname, found.status]).toEqual([link.pathname, 200]);
      expect((await found.arrayBuffer()).byteLength).toBeGreaterThan(100);
    }
  });

  test("no other file is given out", async () => {
    for (const name of ["package.json", "..%2Fpackage.json", "swagger-initializer.js"]) {
      expect((await get(`/swagger/files/${name}`)).status).toBe(404);
    }
  });
});
