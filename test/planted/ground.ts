import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { readReport, type TestResult } from "../junit.ts";
import type { NamedTest } from "./plant.ts";

/** A test that waits for what a bug keeps from happening is red after this time; sound ones take a tenth of it. */
const TEST_TIMEOUT_MS = 40_000;
/** On a fresh checkout the servers are fetched first. */
const START_TIMEOUT_MS = 10 * 60_000;
/** A run that does not end has not said which test is red; that of all tests in the copy as it is takes a minute. */
const RUN_TIMEOUT_MS = 8 * 60_000;
/** What is shown of a run that went otherwise than it should. */
const SHOWN_CHARACTERS = 4_000;

export interface Run {
  readonly results: readonly TestResult[];
  /** The end of what was printed. */
  readonly output: string;
}

/** The PostgreSQL and the broker that all runs in the copy share, and the runs. */
export class Ground {
  /** Whether the template that the tests' databases are copies of has a bug in it, or is not made yet. */
  #fresh = false;

  constructor(
    readonly copy: string,
    readonly folder: string,
  ) {}

  /** Undefined where servers and databases can be made of the copy as it is now; otherwise what was said. */
  async load(storage: boolean): Promise<string | undefined> {
    if (storage || !this.#fresh) await this.#dropTemplate();
    this.#fresh = !storage;
    const { code, output } = await this.#bun(["test/planted/loads.ts"], START_TIMEOUT_MS);
    return code === 0 ? undefined : output;
  }

  /** Runs these tests and no others. */
  async run(tests: readonly NamedTest[]): Promise<Run> {
    if (!this.#fresh && !existsSync(join(this.folder, "cluster.json"))) await this.load(false);
    const report = join(this.folder, "report.xml");
    rmSync(report, { force: true });
    const files = new Set(tests.map(({ file }) => `./${file}`));
    const titles = tests.map(({ title }) => title.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    const { output } = await this.#bun(
      [
        "test",
        ...files,
        `--timeout=${TEST_TIMEOUT_MS}`,
        `--test-name-pattern=${titles.join("|")}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
      ],
      RUN_TIMEOUT_MS,
    );
    return { results: existsSync(report) ? readReport(readFileSync(report, "utf8")) : [], output };
  }

  /** The next database is made of the copy's migrations and functions as they are then. */
  async #dropTemplate(): Promise<void> {
    const servers = join(this.folder, "cluster.json");
    if (!existsSync(servers)) return;
    const { admin_url }: { admin_url: string } = JSON.parse(readFileSync(servers, "utf8"));
    const sql = postgres(admin_url, { max: 1, onnotice: () => undefined });
    await sql`drop database if exists migrated_template with (force)`;
    await sql.end();
  }

  async #bun(args: readonly string[], timeout: number): Promise<{ code: number; output: string }> {
    // Into a file: the servers are started by the first run and outlive it, and would keep a pipe open.
    const file = join(this.folder, "output.txt");
    const output = openSync(file, "w");
    const child = Bun.spawn([process.execPath, ...args], {
      cwd: this.copy,
      env: { ...process.env, TEST_RUN_FOLDER: this.folder, NO_COLOR: "1" },
      stdio: ["ignore", output, output],
      timeout,
    });
    const code = await child.exited;
    closeSync(output);
    return { code, output: readFileSync(file, "utf8").slice(-SHOWN_CHARACTERS) };
  }
}
