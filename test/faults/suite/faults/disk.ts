/** A disk that is full: PostgreSQL's data on a small one of its own. */
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../until.ts";
import { AFTER_THE_DATABASE, type Fault, ONE_OF_EACH, type OwnBed } from "../fault.ts";
import type { Scene } from "../scene.ts";

/** Room for the data of a run, with little to spare. */
const DISK_MB = 400;
const FULL_MS = 8_000;
const CHUNK_BYTES = 1 << 20;
const LEAST_CHUNK_BYTES = 1 << 9;
const BACK_WITHIN_MS = 60_000;

/** Not in the run's folder: a disk that a killed run has left mounted cannot be removed with it. */
async function smallDisk(): Promise<OwnBed> {
  const disk = mkdtempSync(join(tmpdir(), "faults-disk-"));
  await run("mount", "-t", "tmpfs", "-o", `size=${DISK_MB}m,mode=755`, "tmpfs", disk);
  return {
    options: {
      postgresFolder: join(disk, "postgres"),
      postgresSettings: { max_wal_size: "128MB", min_wal_size: "32MB" },
    },
    async close() {
      await run("umount", "--lazy", disk);
      rmdirSync(disk);
    },
  };
}

async function run(...command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "pipe"] });
  const errors = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${errors.trim()}`);
}

/** Writes until nothing more fits. */
function fill(file: string): void {
  const filler = openSync(file, "a");
  try {
    for (let chunk = Buffer.alloc(CHUNK_BYTES); chunk.length >= LEAST_CHUNK_BYTES; ) {
      try {
        writeSync(filler, chunk);
      } catch {
        chunk = chunk.subarray(0, chunk.length / 2);
      }
    }
  } finally {
    closeSync(filler);
  }
}

async function strike(scene: Scene): Promise<void> {
  const filler = join(scene.bed.options.postgresFolder ?? "", "filler");
  const before = scene.load.disappointed;
  let dead = false;
  void scene.bed.postgres.exited.then(() => {
    dead = true;
  });
  // What PostgreSQL frees meanwhile is taken, too.
  for (const end = performance.now() + FULL_MS; performance.now() < end; ) {
    fill(filler);
    await Bun.sleep(250);
  }
  scene.add("refusals", scene.load.disappointed - before);
  rmSync(filler);
  // Without room for its log it ends, and whoever makes room starts it again.
  if (dead) await scene.bed.startPostgres();
  await until(() => scene.asOwner((sql) => sql`select 1`), { timeout_ms: BACK_WITHIN_MS, what: "PostgreSQL is back" });
  scene.over();
  scene.add("full disks");
}

export const DISK_FULL: Fault = {
  name: "disk full",
  does: `PostgreSQL's disk (${DISK_MB} MB) is filled to the last byte for ${FULL_MS / 1_000} s; then room is made, and PostgreSQL started if it has ended`,
  stage: ONE_OF_EACH,
  bed: smallDisk,
  strike,
  wants: { "full disks": 2, refusals: 1 },
  goal: AFTER_THE_DATABASE,
};
