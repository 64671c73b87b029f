/**
 * `bun run sbom [file]`: the software bill of materials as CycloneDX 1.6 (https://cyclonedx.org), to the file or to standard output.
 * Everything in it is what bun.lock pins: each package with its hash, by whom it is needed, and whether the servers run it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A package as bun.lock has it: `name@version`, the registry, what it needs, and its hash. */
type Locked = readonly [id: string, registry: string, needs?: Needs, integrity?: string];

interface Needs {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalPeers?: readonly string[];
}

export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
  readonly patchedDependencies?: Readonly<Record<string, string>>;
}

export interface Manifest extends Needs {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly packageManager: string;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface SbomOptions {
  readonly lock: Lock;
  readonly manifest: Manifest;
  /** The licence that an installed package names; the key is its place in bun.lock. */
  readonly licenseOf: (key: string) => string | undefined;
  readonly now: Date;
  /** A UUID: each bill has a number of its own. */
  readonly serial: string;
}

export function makeSbom({ lock, manifest, licenseOf, now, serial }: SbomOptions) {
  const keys = Object.keys(lock.packages);
  const runtime = reached(lock, Object.keys(manifest.dependencies ?? {}));
  const root = purlOf(`${manifest.name}@${manifest.version}`);
  const components = keys.map((key) => componentOf(lock, key, runtime.has(key), licenseOf(key)));
  const direct = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${serial}`,
    version: 1,
    metadata: {
      timestamp: now.toISOString(),
      lifecycles: [{ phase: "pre-build" }],
      component: {
        "bom-ref": root,
        type: "application",
        name: manifest.name,
        version: manifest.version,
        purl: root,
        licenses: licensesOf(manifest.license),
      },
    },
    components: [platform(manifest), ...unique(components)],
    dependencies: [
      { ref: root, dependsOn: refs(lock, direct) },
      ...unique(keys.map((key) => ({ "bom-ref": refOf(lock, key), dependsOn: refs(lock, neededBy(lock, key)) }))).map(
        ({ "bom-ref": ref, dependsOn }) => ({ ref, dependsOn }),
      ),
    ],
  };
}

/** What everything runs on. */
function platform({ packageManager }: Manifest) {
  const [name = "", version = ""] = packageManager.split("@");
  const purl = purlOf(packageManager);
  return { "bom-ref": purl, type: "platform", name, version, purl, licenses: licensesOf("MIT"), scope: "required" };
}

function componentOf(lock: Lock, key: string, isRuntime: boolean, license: string | undefined) {
  const [id, , , integrity] = lock.packages[key] ?? [key, ""];
  const { name, version } = parts(id);
  const purl = purlOf(id);
  const patch = lock.patchedDependencies?.[id];
  return {
    "bom-ref": purl,
    type: "library",
    name,
    version,
    // What only developers and tests need is not part of what is run.
    scope: isRuntime ? "required" : "excluded",
    ...(integrity?.startsWith("sha512-") && { hashes: [{ alg: "SHA-512", content: hexOf(integrity) }] }),
    ...(license !== undefined && { licenses: licensesOf(license) }),
    purl,
    ...(patch !== undefined && { pedigree: { patches: [{ type: "unofficial", diff: { url: patch } }] } }),
  };
}

/** An SPDX expression as such, anything else by its name. */
function licensesOf(license: string): object[] {
  const isExpression = /^\(?[\w.+-]+(?: (?:AND|OR|WITH) \(?[\w.+-]+\)?)*\)?$/.test(license);
  return [isExpression ? { expression: license } : { license: { name: license } }];
}

/** Places in bun.lock of all that these packages need, themselves included. */
function reached(lock: Lock, names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (key: string): void => {
    if (found.has(key)) return;
    found.add(key);
    for (const next of neededBy(lock, key)) visit(next);
  };
  for (const name of names) visit(name);
  return found;
}

function neededBy(lock: Lock, key: string): string[] {
  const { dependencies, optionalDependencies, peerDependencies, optionalPeers } = lock.packages[key]?.[2] ?? {};
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  // An optional peer may be here for the sake of somebody else.
  const needed = names.filter((name) => !optionalPeers?.includes(name));
  return needed.flatMap((name) => placeOf(lock, key, name) ?? []);
}

/** Where a package finds another: below itself, else below one of those that it is below, as in node_modules. */
function placeOf(lock: Lock, key: string, name: string): string | undefined {
  const path = namesOf(key);
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const place = [...path.slice(0, depth), name].join("/");
    if (place in lock.packages) return place;
  }
  return undefined;
}

/** `a/@b/c` are two packages, a and @b/c. */
export function namesOf(key: string): string[] {
  return key.match(/@[^/]+\/[^/]+|[^/]+/g) ?? [];
}

function refOf(lock: Lock, key: string): string {
  return purlOf(lock.packages[key]?.[0] ?? key);
}

function refs(lock: Lock, keys: readonly string[]): string[] {
  return [...new Set(keys.map((key) => refOf(lock, key)))].toSorted();
}

function parts(id: string): { name: string; version: string } {
  const at = id.lastIndexOf("@");
  return { name: id.slice(0, at), version: id.slice(at + 1) };
}

/** A package URL (https://github.com/package-url/purl-spec). */
function purlOf(id: string): string {
  const { name, version } = parts(id);
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.slice(integrity.indexOf("-") + 1), "base64").toString("hex");
}

/** The same version may lie in several places; it is one component. What needs it there is the same, too. */
function unique<T extends { readonly "bom-ref": string; readonly scope?: string }>(list: readonly T[]): T[] {
  const byRef = new Map<string, T>();
  for (const one of list) if (!byRef.has(one["bom-ref"]) || one.scope === "required") byRef.set(one["bom-ref"], one);
  return [...byRef.values()];
}

/** What bun.lock, package.json and the installed packages of a checkout say. */
export function readCheckout(folder: string): Pick<SbomOptions, "lock" | "manifest" | "licenseOf"> {
  const lock = Bun.JSONC.parse(readFileSync(join(folder, "bun.lock"), "utf8"));
  if (!isLock(lock)) throw new Error("bun.lock is not in the form that this command knows");
  return {
    lock,
    manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
    licenseOf(key) {
      const file = join(folder, ...namesOf(key).flatMap((name) => ["node_modules", name]), "package.json");
      if (!existsSync(file)) return undefined;
      const { license }: { license?: unknown } = JSON.parse(readFileSync(file, "utf8"));
      return typeof license === "string" ? license : undefined;
    },
  };
}

function isLock(value: unknown): value is Lock {
  return typeof value === "object" && value !== null && "packages" in value && typeof value.packages === "object";
}

if (import.meta.main) {
  const [, , file] = process.argv;
  const sbom = makeSbom({
    ...readCheckout(join(import.meta.dir, "..")),
    now: new Date(),
    serial: crypto.randomUUID(),
  });
  const text = `${JSON.stringify(sbom, null, 2)}\n`;
  if (file === undefined) process.stdout.write(text);
  else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`${file}: ${sbom.components.length} components`);
  }
}
