import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

/** A registry that knows of these advisories and of nothing else. */
let known: Record<string, object[]> | undefined;
const registry = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    if (known === undefined) return new Response("no", { status: 405 });
    const bytes = new Uint8Array(await request.arrayBuffer());
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const asked: Record<string, unknown> = JSON.parse(new TextDecoder().decode(isGzip ? Bun.gunzipSync(bytes) : bytes));
    return Response.json(Object.fromEntries(Object.entries(known).filter(([name]) => name in asked)));
  },
});
afterAll(() => registry.stop(true));

async function audit() {
  const child = Bun.spawn([process.execPath, "dev/audit.ts"], {
    cwd: join(import.meta.dir, ".."),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NPM_CONFIG_REGISTRY: registry.url.href, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, code] = await Promise.all([child.stdout.text(), child.exited, child.stderr.text()]);
  return { output, code };
}

const advisory = (severity: string) => ({
  ...{ id: 1, title: `a ${severity} thing`, severity, url: `https://example.com/${severity}` },
  ...{ vulnerable_versions: ">=0.0.0", cwe: [], cvss: { score: 9, vectorString: null } },
});

describe("an audit fails for what is serious in what the servers run", () => {
  test("and tells the rest", async () => {
    known = { elysia: [advisory("critical"), advisory("low")], typescript: [advisory("high")] };
    const { code, output } = await audit();
    expect(code).toBe(1);
    expect(output).toContain("critical: elysia >=0.0.0 (run by the servers): a critical thing");
    expect(output).toContain("low: elysia");
    expect(output).toContain("high: typescript >=0.0.0 (development)");
  });

  test("and not for what only developers need, or for nothing", async () => {
    known = { typescript: [advisory("critical")] };
    expect((await audit()).code).toBe(0);
    known = {};
    expect(await audit()).toMatchObject({ code: 0, output: "Nothing serious is known of what the servers run.\n" });
  });

  test("a registry that says nothing is not taken for good news", async () => {
    known = undefined;
    expect((await audit()).code).toBe(2);
  });
});
