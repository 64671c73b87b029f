import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { startPostgres } from "./postgres.ts";
import { identify, isRunning } from "./processes.ts";

// A folder that only its owner may enter, as a home or a temporary folder is.
const folder = mkdtempSync(join(tmpdir(), "postgres-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = { dataDir: join(folder, "data"), temporary: true };

async function ask(url: string, query: string): Promise<unknown[]> {
  const sql = postgres(url, { max: 1 });
  try {
    return await sql.unsafe(query);
  } finally {
    await sql.end();
  }
}

describe("the embedded PostgreSQL", () => {
  test("keeps its commits and its port through a kill -9", async () => {
    const first = await startPostgres(options);
    await ask(first.url, "create table kept as select 42 as answer");
    await first.kill();
    const second = await startPostgres(options);
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, "select answer from kept")).toEqual([{ answer: 42 }]);
    await second.stop();
    expect(identify(second.pid)).toBeNull();
  });

  test("is PostgreSQL 18 that waits for the disk and listens to this machine only", async () => {
    const server = await startPostgres(options);
    const query = `
      select current_setting('server_version_num')::int / 10000 as version, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as commits, current_setting('listen_addresses') as addresses`;
    expect(await ask(server.url, query)).toEqual([{ version: 18, fsync: "on", commits: "on", addresses: "127.0.0.1" }]);
    await server.stop();
  });

  test("is ended by the next start if its owner was killed", async () => {
    const script = `
      const { startPostgres } = await import(${JSON.stringify(join(import.meta.dir, "postgres.ts"))});
      const server = await startPostgres(${JSON.stringify(options)});
      await Bun.write(Bun.stdout, String(server.pid));
      process.kill(process.pid, "SIGKILL");`;
    const owner = Bun.spawnSync([process.execPath, "-e", script]);
    const leftover = identify(Number(owner.stdout.toString()));
    expect(leftover).not.toBeNull();
    const server = await startPostgres(options);
    expect(leftover !== null && isRunning(leftover)).toBe(false);
    await server.stop();
  });

  test("says so when the port it is told to use is taken", async () => {
    const squatter = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const start = startPostgres({ ...options, port: squatter.port });
    expect(String(await start.catch((error: unknown) => error))).toMatch(`Port ${squatter.port}`);
    squatter.stop(true);
  });
});
