import type { Logger } from "pino";
import { Gauge, type Registry } from "prom-client";
import type { Config } from "../config.ts";
import { connectFunctions, type Service, type Sql } from "../database.ts";
import { createFaultLog } from "../fault-log.ts";
import { type Loop, run } from "../loop.ts";
import { type Check, type Look, looksOf, readChecks, type Statements } from "./files.ts";
import { prepareForChecks, runLook } from "./statements.ts";

/**
 * The invariants of one schema as gauges, looked at again and again while the service works. What holds only at rest is not
 * among them, nor what needs both schemas: `bun run check` judges those.
 */
export interface InvariantsOptions {
  readonly service: Service;
  readonly databaseUrl: string;
  readonly registry: Registry;
  readonly log: Logger;
  /** Between two runs, at least. */
  readonly interval_ms: number;
  /** Whether the service has no time to spare now: a run is then put off, for {@link PUT_OFF_MOST} times at most. */
  readonly isBusy?: (() => boolean) | undefined;
  readonly checks?: readonly Check[];
}

/** A run takes at most one part in fifty of the time: one connection's work, so 2 % of one core. */
const REST_PER_WORK = 50;
/** How soon a busy service is asked again, and how often: ten minutes in all, since an overload is no reason to stop looking. */
const PUT_OFF_MS = 5_000;
const PUT_OFF_MOST = 120;
/** Some hundred million lines; a statement that takes longer has lost its way. */
const STATEMENT_TIMEOUT_MS = 5 * 60_000;
/** All statements of a run, the slowest of which is ended before. */
const RUN_DEADLINE_MS = 60 * 60_000;
const MS_PER_S = 1_000;

/** As the settings want it: the loop, or none where it is turned off. */
export function watchInvariantsOf(
  { service, databaseUrl, invariantsIntervalMs: interval_ms }: Config,
  registry: Registry,
  log: Logger,
  isBusy?: () => boolean,
): Loop[] {
  return interval_ms === 0 ? [] : [watchInvariants({ service, databaseUrl, registry, log, interval_ms, isBusy })];
}

/** Starts the work, first after an interval; several processes may do it, each for its own gauges. */
export function watchInvariants(options: InvariantsOptions): Loop {
  const { service, registry, log, interval_ms } = options;
  const gauges = createGauges(service, registry);
  const onError = createFaultLog(log, "an invariant could not be looked at");
  let started = false;
  let put_off = 0;
  return run(
    async (signal) => {
      // A server that has just started has better things to do.
      if (!started) {
        started = true;
        return interval_ms;
      }
      if (options.isBusy?.() === true && put_off < PUT_OFF_MOST) {
        put_off += 1;
        return PUT_OFF_MS;
      }
      put_off = 0;
      const begin = performance.now();
      const checks = (options.checks ?? (await readChecks())).filter((check) => isWatched(check, service));
      await withConnection(options, async (sql) => {
        for (const look of looksOf(checks)) {
          // The look at work ends by itself, or with the process: the server ends the statement of a client that has gone.
          if (signal.aborted) return;
          await judge(sql, look, { gauges, log, onError });
        }
      });
      const took_ms = performance.now() - begin;
      gauges.ran(took_ms);
      return Math.max(interval_ms, REST_PER_WORK * took_ms);
    },
    { deadline_ms: RUN_DEADLINE_MS, first_backoff_ms: interval_ms, most_backoff_ms: interval_ms, onError },
  );
}

function isWatched(check: Check, service: Service): check is Statements {
  return check.kind === "statements" && check.when === "always" && check.schemas.includes(service);
}

/** A connection of the service's own role, for one run: between runs there is none. */
async function withConnection(
  { service, databaseUrl }: InvariantsOptions,
  work: (sql: Sql) => Promise<void>,
): Promise<void> {
  const sql = connectFunctions(databaseUrl, {
    service,
    purpose: "invariants",
    max: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

interface Watch {
  readonly gauges: InvariantGauges;
  readonly log: Logger;
  readonly onError: (error: unknown) => void;
}

/** Each look has a snapshot of its own, so that none is held for as long as a whole run: vacuum waits for the oldest. */
async function judge(sql: Sql, look: Look, { gauges, log, onError }: Watch): Promise<void> {
  try {
    const findings = await sql.begin("isolation level repeatable read read only", async (tx) => {
      await prepareForChecks(tx);
      return runLook(tx, look);
    });
    for (const { name, holds } of look.checks) {
      const offending = findings.get(name)?.offending ?? [];
      gauges.judged(name, offending.length === 0);
      if (offending.length === 0) continue;
      const faults = [...new Set(offending.map(({ fault }) => String(fault)))];
      log.error(
        { check: name, holds_not: holds, faults, rows: offending.length },
        "an invariant does not hold: `bun run check` shows the rows",
      );
    }
  } catch (error) {
    // What could not be judged shows nothing, not an old value.
    for (const { name } of look.checks) gauges.unknown(name);
    onError(error);
  }
}

interface InvariantGauges {
  judged(check: string, holds: boolean): void;
  unknown(check: string): void;
  ran(took_ms: number): void;
}

function createGauges(service: Service, registry: Registry): InvariantGauges {
  const registers = [registry];
  const holds = new Gauge({
    name: `${service}_invariant_holds`,
    help: "Whether an invariant held when it was last looked at: 1 or 0.",
    labelNames: ["check"],
    registers,
  });
  const time = new Gauge({
    name: `${service}_invariants_last_run_timestamp_seconds`,
    help: "When the invariants were last looked at, since 1970; 0 before the first time.",
    registers,
  });
  const duration = new Gauge({
    name: `${service}_invariants_last_run_duration_seconds`,
    help: "How long the last look at the invariants took.",
    registers,
  });
  return {
    judged: (check, sound) => holds.set({ check }, sound ? 1 : 0),
    unknown: (check) => holds.remove({ check }),
    ran(took_ms) {
      time.setToCurrentTime();
      duration.set(took_ms / MS_PER_S);
    },
  };
}
