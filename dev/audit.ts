/**
 * `bun run audit`: what is known to be wrong with the packages that bun.lock pins, as the registry tells it.
 *
 * Exit code 1: something serious (high or critical) is in what the servers run. 0: nothing is; what is less serious, or in what only
 * developers need, is told and waits for a person. 2: the registry tells nothing, so nothing is known.
 */
import pico from "picocolors";

/** An advisory, as `bun audit --json` has it. */
export interface Advisory {
  readonly title: string;
  readonly severity: string;
  readonly url: string;
  readonly vulnerable_versions?: string;
}

/** By the package's name. */
export type Advisories = Readonly<Record<string, readonly Advisory[]>>;

export interface Verdict {
  /** In what the servers run, and serious. */
  readonly fails: readonly string[];
  readonly told: readonly string[];
}

const SERIOUS = new Set(["high", "critical"]);

/** `all` of the packages' advisories, and those of the packages that the servers run. */
export function judge(all: Advisories, run: Advisories): Verdict {
  const lines = Object.entries(all).flatMap(([name, advisories]) =>
    advisories.map((advisory) => {
      const isRun = run[name]?.some(({ url }) => url === advisory.url) ?? false;
      const { severity, title, url, vulnerable_versions = "" } = advisory;
      const line = `${severity}: ${name} ${vulnerable_versions} (${isRun ? "run by the servers" : "development"}): ${title} ${url}`;
      return { fails: isRun && SERIOUS.has(severity), line };
    }),
  );
  return {
    fails: lines.filter(({ fails }) => fails).map(({ line }) => line),
    told: lines.filter(({ fails }) => !fails).map(({ line }) => line),
  };
}

/** What the registry says; null where it says nothing. */
async function ask(...more: string[]): Promise<Advisories | null> {
  const child = Bun.spawn([process.execPath, "audit", "--json", ...more], { stdio: ["ignore", "pipe", "pipe"] });
  const [text, errors] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  try {
    const parsed: unknown = JSON.parse(text);
    if (isAdvisories(parsed)) return parsed;
  } catch {
    // Then it is no answer of a registry.
  }
  console.error(errors.trim());
  return null;
}

function isAdvisories(value: unknown): value is Advisories {
  return typeof value === "object" && value !== null && Object.values(value).every((list) => Array.isArray(list));
}

if (import.meta.main) {
  const [all, run] = [await ask(), await ask("--production")];
  if (all === null || run === null) {
    console.error("The registry tells nothing of advisories: nothing is known of these packages.");
    process.exit(2);
  }
  const { fails, told } = judge(all, run);
  for (const line of told) console.log(line);
  for (const line of fails) console.log(pico.red(line));
  if (fails.length === 0) console.log(pico.green("Nothing serious is known of what the servers run."));
  process.exit(fails.length === 0 ? 0 : 1);
}
