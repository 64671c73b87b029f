import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import Ajv from "ajv";
import { makeSbom, namesOf, readCheckout } from "./sbom.ts";

const CHECKOUT = join(import.meta.dir, "..");
const checkout = readCheckout(CHECKOUT);
const fixed = { now: new Date("2026-01-31T12:00:00Z"), serial: "01890000-0000-7000-8000-000000000001" };
const sbom = makeSbom({ ...checkout, ...fixed });
const named = (name: string) => sbom.components.find((component) => component.name === name);

const schema = (name: string) => Bun.file(join(CHECKOUT, "test/cyclonedx", name)).json();

describe("the bill of materials", () => {
  test("is valid by the schema of CycloneDX 1.6", async () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
    ajv.addSchema(await schema("spdx.schema.json"), "http://cyclonedx.org/schema/spdx.schema.json");
    ajv.addSchema(await schema("jsf-0.82.schema.json"), "http://cyclonedx.org/schema/jsf-0.82.schema.json");
    const validate = ajv.compile(await schema("bom-1.6.schema.json"));
    expect(validate(JSON.parse(JSON.stringify(sbom))) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...sbom, specVersion: 16 })).toBe(false);
    expect(validate({ ...sbom, components: [{ type: "library" }] })).toBe(false);
  });

  test("has every package that is pinned, once, each with the hash that the installer compares", () => {
    const pinned = new Set(Object.values(checkout.lock.packages).map(([id]) => id));
    const listed = sbom.components
      .filter(({ type }) => type === "library")
      .map(({ name, version }) => `${name}@${version}`);
    expect(listed.toSorted()).toEqual([...pinned].toSorted());
    for (const component of sbom.components) {
      if (component.type === "library") expect(component).toMatchObject({ hashes: [{ alg: "SHA-512" }] });
    }
  });

  test("tells what the servers run from what only developers need, and what was changed here", () => {
    expect(named("kafkajs")).toMatchObject({
      scope: "required",
      licenses: [{ expression: "MIT" }],
      pedigree: { patches: [{ diff: { url: expect.stringContaining("kafkajs") } }] },
    });
    expect(named("elysia")?.scope).toBe("required");
    // One version is needed by the log of the servers, another by what makes it readable for developers.
    const versions = sbom.components.filter(({ name }) => name === "sonic-boom").map(({ scope }) => scope);
    expect(versions.toSorted()).toEqual(["excluded", "required"]);
    expect(named("typescript")?.scope).toBe("excluded");
    expect(named("bun")?.type).toBe("platform");
  });

  test("says who needs whom, and names nobody who is not in it", () => {
    const refs = new Set([sbom.metadata.component["bom-ref"], ...sbom.components.map((each) => each["bom-ref"])]);
    for (const { ref, dependsOn } of sbom.dependencies) {
      for (const each of [ref, ...dependsOn]) expect(refs.has(each) ? "" : each).toBe("");
    }
    const needs = (name: string) =>
      sbom.dependencies.find(({ ref }) => ref.startsWith(`pkg:npm/${name}@`))?.dependsOn.join(" ");
    expect(needs("digital-wallet")).toContain("pkg:npm/%40elysiajs/swagger@");
    expect(needs("pino")).toContain("pkg:npm/sonic-boom@");
  });
});

describe("a place in bun.lock", () => {
  test("names one package after the other", () => {
    expect(namesOf("pino")).toEqual(["pino"]);
    expect(namesOf("@elysiajs/swagger/@scalar/types/nanoid")).toEqual(["@elysiajs/swagger", "@scalar/types", "nanoid"]);
  });
});
