import { parseArgs } from "node:util";
import Table from "cli-table3";
import type { KafkaSettings } from "../shared/kafka.ts";
import { createReading } from "./rebuilding/reading.ts";
import { createStore, type Figures } from "./rebuilding/store.ts";
import { type DeadLetterPlace, type Difference, dropOld, openTables } from "./rebuilding/tables.ts";
import { openTopic, type Topic } from "./rebuilding/topic.ts";

/**
 * Command of an operator: makes the history anew out of the topics, which are its archive, compares it with the live one
 * and, if told to, puts it in place while the servers run.
 */
export interface RebuildOptions {
  /** As the owner of the schema. */
  readonly databaseUrl: string;
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly ledgerTopic: string;
  readonly swap?: boolean;
  /** Swap although rows of the live tables would be lost. */
  readonly discard?: boolean;
  readonly report?: (line: string) => void;
}

export interface RebuildReport {
  readonly differences: readonly Difference[];
  readonly equal: boolean;
  readonly figures: Readonly<Figures>;
  /** Events that wait for a decision, or for money that has not come in. */
  readonly withheld: number;
  readonly dead_letters: readonly DeadLetterPlace[];
  readonly swapped: boolean;
}

/** So few that the writers may wait for them: a second's work. */
const FEW_MESSAGES = 5_000;

/** @throws WouldLose, and what the broker and the database throw; the live tables are then as they were */
export async function rebuild(options: RebuildOptions): Promise<RebuildReport> {
  const { databaseUrl, kafka, topic, ledgerTopic, swap = false, discard = false, report = () => undefined } = options;
  const topics: Topic[] = [];
  const tables = await openTables(databaseUrl);
  try {
    const open = async (name: string): Promise<Topic> => {
      const opened = await openTopic(kafka, name);
      topics.push(opened);
      return opened;
    };
    const [events, decisions] = [await open(topic), await open(ledgerTopic)];
    const store = createStore(tables.sql);
    const reading = createReading({ events, decisions, store, sql: tables.sql });
    const come = async (): Promise<void> => {
      while ((await reading.toTheEnd()) > FEW_MESSAGES) report(progress(store.figures));
      report(progress(store.figures));
    };
    await come();
    await reading.liveComesUp();
    const differences = await tables.compare(() => reading.toTheLive());
    const dead_letters = await tables.deadLetters();
    if (swap) {
      await tables.adopt();
      await come();
      await tables.swap(() => reading.toTheEnd(), store, discard);
    }
    const equal = differences.every(
      ({ only_live, only_rebuilt, different }) => only_live + only_rebuilt + different === 0,
    );
    const { figures, withheld } = store;
    return { differences, equal, figures, withheld: withheld.length, dead_letters, swapped: swap };
  } finally {
    await Promise.all(topics.map((each) => each.close()));
    await tables.close();
  }
}

function progress({ events, decisions }: Figures): string {
  return `read ${events} events, ${decisions} decisions`;
}

/** The report for a person. */
export function reportText({ differences, equal, figures, withheld, dead_letters, swapped }: RebuildReport): string {
  const table = new Table({
    head: ["table", "live", "rebuilt", "only live", "only rebuilt", "different", "such as"],
    style: { head: [], border: [] },
  });
  for (const { name, live, rebuilt, only_live, only_rebuilt, different, examples } of differences) {
    table.push([name, live, rebuilt, only_live, only_rebuilt, different, examples.join("\n")]);
  }
  const { events, decisions, duplicates, taken_over } = figures;
  return [
    table.toString(),
    `read: ${events} events, of which ${duplicates} duplicates, and ${decisions} decisions`,
    `decisions that the topic has not told (yet), taken from the live ledger: ${taken_over}`,
    `waiting for a decision of the live ledger: ${withheld}`,
    `messages that cannot be applied: ${figures.dead_letters}`,
    ...dead_letters.map(({ topic, partition, offset, reason }) => `  ${topic} ${partition}:${offset} ${reason}`),
    equal ? "✓ the live tables equal the topics" : "✗ the live tables differ from the topics",
    ...(swapped
      ? ["✓ the rebuilt tables are in place; the old ones are in the schema history_before_rebuild (--drop-old)"]
      : []),
  ].join("\n");
}

const USAGE = `usage: bun run rebuild [--swap [--discard]] | --drop-old

Builds the history and the ledger anew out of the topics, beside the live tables, and compares the two. Needs the
HISTORY_DATABASE_URL or DATABASE_URL of the tables' owner, KAFKA_BROKERS and the topics of the servers.

  --swap      then put the rebuilt tables in place; the servers go on meanwhile
  --discard   swap although the live tables hold rows that the topics do not tell
  --drop-old  drop the tables that the last swap has replaced

Exit code: 0 the two are equal or were swapped, 1 they differ, 2 it could not be done.`;

interface Asked {
  readonly swap: boolean;
  readonly discard: boolean;
  readonly "drop-old": boolean;
}

/** Null where the arguments make no sense, or ask for help. */
function parse(args: string[]): Asked | null {
  const flag = { type: "boolean", default: false } as const;
  try {
    const { values } = parseArgs({ args, options: { swap: flag, discard: flag, "drop-old": flag } });
    return values.discard && !values.swap ? null : values;
  } catch {
    return null;
  }
}

async function command(asked: Asked): Promise<number> {
  const { configOrExit } = await import("../shared/config.ts");
  const { createLog } = await import("../shared/log.ts");
  const { databaseUrl, kafka, prettyLogs } = configOrExit("history");
  if (asked["drop-old"]) {
    await dropOld(databaseUrl);
    console.log("the tables that the last swap has replaced are gone");
    return 0;
  }
  const log = createLog({ service: "history", level: "warn", pretty: prettyLogs });
  const report = await rebuild({
    databaseUrl,
    kafka: { ...kafka, clientId: "rebuild", log },
    ...kafka,
    ...asked,
    report: (line) => console.log(line),
  });
  console.log(reportText(report));
  return report.equal || report.swapped ? 0 : 1;
}

if (import.meta.main) {
  const asked = parse(process.argv.slice(2));
  if (asked === null) console.error(USAGE);
  const code =
    asked === null
      ? 2
      : await command(asked).catch((error: unknown) => {
          console.error(error instanceof Error ? error.message : String(error));
          return 2;
        });
  process.exit(code);
}
