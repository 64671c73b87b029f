/** All faults, in the order in which they are run and shown. */
import type { Fault } from "./fault.ts";
import { BROKER_KILLED, BROKER_PAUSED, BROKER_STOPPED } from "./faults/broker.ts";
import { CLOCK_MOVED } from "./faults/clock.ts";
import { POSTGRES_CRASH, POSTGRES_RESTART, SESSIONS_TERMINATED } from "./faults/database.ts";
import { DISK_FULL } from "./faults/disk.ts";
import {
  BROKER_CUT,
  BROKER_DARK,
  BROKER_SLOW,
  COMMIT_SWALLOWED,
  DATABASE_CUT,
  DATABASE_DARK,
  DATABASE_SLOW,
  PRODUCE_SWALLOWED,
} from "./faults/network.ts";
import { HISTORY_PAUSED, WALLET_PAUSED } from "./faults/pauses.ts";
import { KILL_BOTH, KILL_HISTORY, KILL_WALLET, REBALANCES, SIGTERM } from "./faults/processes.ts";
import { ROLLING_RESTART } from "./faults/rolling.ts";
import { TOPICS_REPLAYED } from "./faults/topic.ts";

export const FAULTS: readonly Fault[] = [
  KILL_WALLET,
  KILL_HISTORY,
  KILL_BOTH,
  SIGTERM,
  ROLLING_RESTART,
  WALLET_PAUSED,
  HISTORY_PAUSED,
  REBALANCES,
  POSTGRES_RESTART,
  POSTGRES_CRASH,
  SESSIONS_TERMINATED,
  DISK_FULL,
  DATABASE_SLOW,
  DATABASE_CUT,
  DATABASE_DARK,
  COMMIT_SWALLOWED,
  BROKER_STOPPED,
  BROKER_KILLED,
  BROKER_PAUSED,
  BROKER_SLOW,
  BROKER_CUT,
  BROKER_DARK,
  PRODUCE_SWALLOWED,
  TOPICS_REPLAYED,
  CLOCK_MOVED,
];
