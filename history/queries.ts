import { and, asc, count as countRows, desc, eq, gt, isNull, lt, lte, type SQL, sql } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { read } from "../shared/read.ts";
import * as schema from "../shared/schema/history.ts";

/**
 * Reads of the history service. The hot ones are prepared by name: one round trip each. All throw the Problem
 * `unavailable` where the database cannot answer.
 */

export type HistoryDatabase = PostgresJsDatabase<typeof schema>;

const { transaction_events, stream_positions, gaps, dead_letters } = schema;

export type EventRow = typeof transaction_events.$inferSelect;
export type DeadLetterRow = typeof dead_letters.$inferSelect;

/** What narrows a list of events. */
export interface EventFilter {
  readonly type: string | undefined;
  /** Inclusive. */
  readonly from: string | undefined;
  /** Exclusive. */
  readonly to: string | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

/** A version of a wallet that somebody waits for. */
export interface Awaited {
  readonly wallet_id: string;
  readonly version: number;
}

/** How far the stream of one partition has come. */
export type StreamPosition = typeof stream_positions.$inferSelect;

/** Events of one partition with positions above `after` and up to `upTo`. */
export interface Stretch {
  readonly partition: number;
  readonly after: number;
  readonly upTo: number;
  /** Only this wallet's events. */
  readonly wallet_id?: string | undefined;
  readonly limit: number;
}

export type Queries = ReturnType<typeof createQueries>;

/** Ends of the orders, where no cursor and no time bounds a list: one prepared query then serves every page. */
const FIRST = { version: "0", instant: "-infinity", id: "00000000-0000-0000-0000-000000000000" } as const;
const LAST = {
  version: "9223372036854775807",
  instant: "infinity",
  id: "ffffffff-ffff-ffff-ffff-ffffffffffff",
} as const;

const event = transaction_events;
const wallet = sql.placeholder("wallet_id");
const isOfType = sql`(${sql.placeholder("type")}::text is null or ${event.event_type} = ${sql.placeholder("type")})`;

export function createQueries(db: HistoryDatabase) {
  const lists = prepareLists(db);
  const moments = prepareMoments(db);
  const stream = prepareStream(db);

  return {
    /** A wallet's events behind version `after`. */
    eventsOfWallet(wallet_id: string, filter: EventFilter, after: string | undefined): Promise<EventRow[]> {
      const { type = null, from = FIRST.instant, to = LAST.instant, order, limit } = filter;
      const start = order === "asc" ? FIRST.version : LAST.version;
      return read(lists.ofWallet[order].execute({ wallet_id, type, from, to, limit, after: after ?? start }));
    },
    /** A user's events behind the one with this time and id. */
    eventsOfUser(user_id: string, filter: EventFilter, after: readonly string[] | undefined): Promise<EventRow[]> {
      const { type = null, from = FIRST.instant, to = LAST.instant, order, limit } = filter;
      // One end of the time is where the first page starts, so that the index is entered there and not walked up to it.
      const [start, until] = order === "asc" ? [from, to] : [to, from];
      const [after_at, after_id] = after ?? [start, FIRST.id];
      return read(lists.ofUser[order].execute({ user_id, type, limit, until, after_at, after_id }));
    },
    /** The wallet's last event, or undefined. */
    async latestEvent(wallet_id: string): Promise<EventRow | undefined> {
      const [row] = await read(moments.latest.execute({ wallet_id }));
      return row;
    },
    /** The wallet's event with this version or, where it is missing, the next one; and the one behind that. */
    eventsFromVersion(wallet_id: string, version: number): Promise<EventRow[]> {
      return read(moments.fromVersion.execute({ wallet_id, version }));
    },
    /** The wallet's last event up to this moment, or its first one; and the one behind that. */
    eventsFromTime(wallet_id: string, at: string): Promise<EventRow[]> {
      return read(moments.fromTime.execute({ wallet_id, at }));
    },
    /** Which of the versions have arrived. */
    arrived(awaited: readonly Awaited[]): Promise<Awaited[]> {
      const ids = `{${awaited.map(({ wallet_id }) => wallet_id).join()}}`;
      const versions = `{${awaited.map(({ version }) => version).join()}}`;
      return read(stream.arrived.execute({ ids, versions }));
    },
    positions(): Promise<StreamPosition[]> {
      return read(stream.positions.execute());
    },
    /** In order of their positions. */
    eventsBetween(stretch: Stretch): Promise<EventRow[]> {
      return read(stream.between.execute({ ...stretch, wallet_id: stretch.wallet_id ?? null }));
    },
    async countGaps(): Promise<number> {
      const [row] = await read(db.select({ count: countRows() }).from(gaps));
      return row?.count ?? 0;
    },
    /** Dead letters that nobody has replayed. */
    async countDeadLetters(): Promise<number> {
      const [row] = await read(
        db.select({ count: countRows() }).from(dead_letters).where(isNull(dead_letters.replayed_at)),
      );
      return row?.count ?? 0;
    },
    /** The newest first, behind the one with the id `after`. */
    deadLetters(after: string | undefined, limit: number): Promise<DeadLetterRow[]> {
      const behind = after === undefined ? undefined : lt(dead_letters.id, after);
      return read(db.select().from(dead_letters).where(behind).orderBy(desc(dead_letters.id)).limit(limit));
    },
    async deadLetter(id: string): Promise<DeadLetterRow | undefined> {
      const [row] = await read(db.select().from(dead_letters).where(eq(dead_letters.id, id)));
      return row;
    },
  };
}

/** The last version before the moment: every later one occurred at it or after it. */
const versionBefore = (at: SQL) => sql`version_at(${wallet}, ${at} - interval '1 microsecond')`;

function prepareLists(db: HistoryDatabase) {
  const from = sql`${sql.placeholder("from")}::timestamptz`;
  const to = sql`${sql.placeholder("to")}::timestamptz`;
  const limit = sql.placeholder("limit");

  const ofWallet = (order: "asc" | "desc") => {
    const [towards, behind] = order === "asc" ? [asc, gt] : [desc, lt];
    return db
      .select()
      .from(event)
      .where(
        and(
          eq(event.wallet_id, wallet),
          behind(event.wallet_version, sql.placeholder("after")),
          gt(event.wallet_version, versionBefore(from)),
          lte(event.wallet_version, versionBefore(to)),
          isOfType,
        ),
      )
      .orderBy(towards(event.wallet_version))
      .limit(limit)
      .prepare(`events_of_wallet_${order}`);
  };
  const ofUser = (order: "asc" | "desc") => {
    const towards = order === "asc" ? asc : desc;
    const place = sql`(${event.occurred_at}, ${event.id})`;
    const after = sql`(${sql.placeholder("after_at")}::timestamptz, ${sql.placeholder("after_id")}::uuid)`;
    const until = sql`${sql.placeholder("until")}::timestamptz`;
    return db
      .select()
      .from(event)
      .where(
        and(
          eq(event.user_id, sql.placeholder("user_id")),
          order === "asc" ? sql`${place} > ${after}` : sql`${place} < ${after}`,
          order === "asc" ? sql`${event.occurred_at} < ${until}` : sql`${event.occurred_at} >= ${until}`,
          isOfType,
        ),
      )
      .orderBy(towards(event.occurred_at), towards(event.id))
      .limit(limit)
      .prepare(`events_of_user_${order}`);
  };
  return {
    ofWallet: { asc: ofWallet("asc"), desc: ofWallet("desc") },
    ofUser: { asc: ofUser("asc"), desc: ofUser("desc") },
  };
}

function prepareMoments(db: HistoryDatabase) {
  const from = (version: SQL) =>
    db
      .select()
      .from(event)
      .where(and(eq(event.wallet_id, wallet), sql`${event.wallet_version} >= ${version}`))
      .orderBy(asc(event.wallet_version))
      .limit(2);
  return {
    latest: db
      .select()
      .from(event)
      .where(eq(event.wallet_id, wallet))
      .orderBy(desc(event.wallet_version))
      .limit(1)
      .prepare("latest_event"),
    fromVersion: from(sql`${sql.placeholder("version")}::bigint`).prepare("events_from_version"),
    fromTime: from(sql`version_at(${wallet}, ${sql.placeholder("at")}::timestamptz)`).prepare("events_from_time"),
  };
}

function prepareStream(db: HistoryDatabase) {
  const awaited = sql`unnest(${sql.placeholder("ids")}::uuid[], ${sql.placeholder("versions")}::bigint[])`;
  return {
    arrived: db
      .select({ wallet_id: event.wallet_id, version: event.wallet_version })
      .from(sql`${awaited} as awaited (wallet_id, version)`)
      .innerJoin(event, sql`${event.wallet_id} = awaited.wallet_id and ${event.wallet_version} = awaited.version`)
      .prepare("arrived"),
    positions: db.select().from(stream_positions).prepare("stream_positions"),
    between: db
      .select()
      .from(event)
      .where(
        and(
          eq(event.partition, sql.placeholder("partition")),
          gt(event.position, sql.placeholder("after")),
          lte(event.position, sql.placeholder("upTo")),
          sql`(${wallet}::uuid is null or ${event.wallet_id} = ${wallet})`,
        ),
      )
      .orderBy(asc(event.position))
      .limit(sql.placeholder("limit"))
      .prepare("events_between"),
  };
}
