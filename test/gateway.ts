/** A real nginx with the project's configuration, in front of servers of a test. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../dev/ports.ts";
import { record } from "../dev/processes.ts";
import { clusterFolder } from "./cluster.ts";
import { until } from "./until.ts";

export interface Gateway {
  readonly url: string;
  /** What nginx has complained of so far. */
  complaints(): Promise<string>;
  stop(): Promise<void>;
}

/** Addresses of the servers behind it. */
export interface Upstreams {
  readonly wallet: readonly string[];
  readonly history: readonly string[];
}

const CONFIGURATION = join(import.meta.dir, "../nginx.conf");
const PLACES = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"];

/** Starts nginx on a free port. @throws Error where there is no nginx: these tests are not to be skipped in silence */
export async function startGateway(upstreams: Upstreams, runFolder?: string): Promise<Gateway> {
  const nginx = Bun.which("nginx") ?? PLACES.find((place) => existsSync(place));
  if (nginx === undefined) throw new Error("The tests of the gateway need nginx: apt-get install nginx-light");
  const folder = await mkdtemp(join(tmpdir(), "gateway-"));
  await mkdir(join(folder, "tmp"));
  const port = await freePort();
  const errors = join(folder, "error.log");
  await writeFile(join(folder, "nginx.conf"), await configuration(upstreams, folder, port));
  // As root, nginx would work as a user who may not enter the folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const settings = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", errors, "-g", `daemon off; ${user}`];
  const child = Bun.spawn([nginx, ...settings], { stdio: ["ignore", "ignore", "ignore"] });
  record(join(runFolder ?? (await clusterFolder()), "services", `${child.pid}.json`), child.pid);
  const url = `http://127.0.0.1:${port}`;
  const complaints = async () => (existsSync(errors) ? readFile(errors, "utf8") : "");
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
    await rm(folder, { recursive: true, force: true });
  };
  const live = until(async () => (await fetch(`${url}/metrics`)).status === 404, { what: "nginx answers" });
  const ended = child.exited.then(async (code) => {
    throw new Error(`nginx ended with code ${code}: ${await complaints()}`);
  });
  try {
    await Promise.race([live, ended]);
  } catch (error) {
    await stop();
    throw error;
  }
  ended.catch(() => undefined);
  return { url, complaints, stop };
}

/** The project's file, with what belongs to its containers replaced; everything else is what is tested. */
async function configuration(upstreams: Upstreams, folder: string, port: number): Promise<string> {
  const servers = (service: keyof Upstreams, settings: string) =>
    upstreams[service].map((url) => `server ${new URL(url).host}${settings};`).join("\n    ");
  const replacements: readonly [RegExp, (settings: string) => string][] = [
    [/server wallet:3000 resolve([^;]*);/, (settings) => servers("wallet", settings)],
    [/server history:3001 resolve([^;]*);/, (settings) => servers("history", settings)],
    [/resolver [^;]+;/, () => ""],
    [/listen 8080;/, () => `listen 127.0.0.1:${port};`],
    [/ \/tmp\//g, () => ` ${folder}/tmp/`],
  ];
  let text = await readFile(CONFIGURATION, "utf8");
  for (const [pattern, replacement] of replacements) {
    if (text.search(pattern) === -1) throw new Error(`nginx.conf has nothing like ${pattern}`);
    text = text.replace(pattern, (_, settings) => replacement(typeof settings === "string" ? settings : ""));
  }
  return text;
}
