/** PostgreSQL that stops, crashes, or ends its sessions. */
import { AFTER_THE_DATABASE, type Fault, ONE_OF_EACH } from "../fault.ts";
import type { Scene } from "../scene.ts";

/** Longer than a server looks for the outcome of a call by itself (wallet/execute.ts, RESOLVE_WITHIN_MS). */
const LONG_AWAY_MS = 6_500;

async function restart(scene: Scene, mode: "fast" | "immediate", away_ms: number): Promise<void> {
  await scene.bed.postgres.stop(mode);
  await Bun.sleep(away_ms);
  await scene.bed.startPostgres();
  scene.over();
  scene.add("restarts");
}

export const POSTGRES_RESTART: Fault = {
  name: "PostgreSQL restarted",
  does: "`pg_ctl restart -m fast`: sessions are ended, everything is written out, and it is back within a second or two",
  stage: ONE_OF_EACH,
  strike: (scene) => restart(scene, "fast", 0),
  wants: { restarts: 2 },
  goal: AFTER_THE_DATABASE,
};

export const POSTGRES_CRASH: Fault = {
  name: "PostgreSQL crashed",
  does: "`pg_ctl stop -m immediate`, as in a crash; away for 6.5 s, longer than a server waits; then recovery",
  stage: ONE_OF_EACH,
  strike: (scene) => restart(scene, "immediate", LONG_AWAY_MS),
  wants: { unknown: 100, restarts: 2 },
  goal: AFTER_THE_DATABASE,
  selected: true,
};

export const SESSIONS_TERMINATED: Fault = {
  name: "sessions terminated",
  does: "`pg_terminate_backend` of every session, every 2 s",
  stage: ONE_OF_EACH,
  async strike(scene) {
    for (let n = 0; n < 4; n += 1) {
      await Bun.sleep(2_000);
      await scene.asOwner(
        (sql) => sql`
          select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid()`,
      );
      scene.add("terminations");
    }
    scene.over();
  },
  wants: { terminations: 8 },
  goal: AFTER_THE_DATABASE,
};
