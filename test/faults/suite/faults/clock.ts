/** Clocks that jump by an hour, there and back: the servers', then PostgreSQL's. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../until.ts";
import { AFTER_A_SERVER, type Fault, type OwnBed } from "../fault.ts";
import type { Scene } from "../scene.ts";

/** Seconds. */
const SHIFTS = [3_600, 0, -3_600, 0] as const;
const WHOSE = ["servers", "postgres"] as const;
type Whose = (typeof WHOSE)[number];
/** How long each clock is left as it is. */
const SHIFTED_MS = 1_500;
/** The library looks at its file once a second. */
const SEEN_WITHIN_MS = 30_000;
/** In which a clock counts as shifted by so much. */
const TOLERANCE_S = 60;

/** Variables under which a process reads the time from libfaketime, and that from a file. */
function clock(folder: string, whose: Whose): Record<string, string> {
  const [library] = [...new Bun.Glob("usr/lib/*/faketime/libfaketimeMT.so.1").scanSync({ cwd: "/", absolute: true })];
  if (library === undefined) throw new Error("The clock is moved by libfaketime: apt-get install faketime");
  const file = join(folder, `${whose}.clock`);
  writeFileSync(file, "+0\n");
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: "1",
    // Only the time of day: what waits, waits as long as it said.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
}

async function clocksOfTheirOwn(folder: string): Promise<OwnBed> {
  return { options: { postgresEnv: clock(folder, "postgres") }, close: async () => undefined };
}

/** What their clock says, beside ours. */
async function shiftOf(scene: Scene, whose: Whose): Promise<number> {
  if (whose === "postgres") {
    const [row] = await scene.asOwner(
      (sql) => sql<{ s: number }[]>`select extract(epoch from clock_timestamp())::float8 as s`,
    );
    return (row?.s ?? 0) - Date.now() / 1_000;
  }
  const shifts = scene.slots.map(async ({ url }) => {
    const { headers } = await fetch(`${url}/health/live`);
    return (Date.parse(headers.get("date") ?? "") - Date.now()) / 1_000;
  });
  const [one = 0, other = 0] = await Promise.all(shifts);
  return Math.abs(one - other) < TOLERANCE_S ? one : Number.NaN;
}

async function move(scene: Scene, whose: Whose, shift_s: number): Promise<void> {
  writeFileSync(join(scene.bed.options.folder, `${whose}.clock`), `${shift_s < 0 ? "" : "+"}${shift_s}\n`);
  await until(async () => Math.abs((await shiftOf(scene, whose)) - shift_s) < TOLERANCE_S, {
    timeout_ms: SEEN_WITHIN_MS,
    what: `the clock of the ${whose} is moved by ${shift_s} s`,
  });
  await Bun.sleep(SHIFTED_MS);
  scene.add("jumps");
}

export const CLOCK_MOVED: Fault = {
  name: "clock moved",
  does: "the time of day jumps an hour ahead, back, an hour behind, and back: in both servers, then in PostgreSQL",
  stage: { wallets: 1, histories: 1, env: (folder) => clock(folder, "servers") },
  bed: clocksOfTheirOwn,
  async strike(scene) {
    for (const whose of WHOSE) for (const shift of SHIFTS) await move(scene, whose, shift);
    scene.over();
  },
  wants: { jumps: 8 },
  goal: AFTER_A_SERVER,
};
