/** A PostgreSQL and a broker of the fault runs alone: unlike those of other tests they are stopped, killed, paused and filled. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type RunningBroker, startBroker } from "../../../dev/broker.ts";
import { createTopics } from "../../../dev/create-topic.ts";
import { kafkaLibs } from "../../../dev/kafka-libs.ts";
import { freePort } from "../../../dev/ports.ts";
import { type RunningPostgres, startPostgres } from "../../../dev/postgres.ts";
import { record } from "../../../dev/processes.ts";
import { createLog } from "../../../shared/log.ts";
import { migrate } from "../../../sql/migrate.ts";
import type { Ground } from "../../end-to-end/system.ts";

/** Two services twice, the checks and the commands of the faults. */
const SETTINGS = { max_connections: "200", shared_buffers: "256MB", max_wal_size: "2GB" };

export interface BedOptions {
  /** Where the data of the servers goes. */
  readonly folder: string;
  /** The run's folder, where every process is noted: whatever ends the run, the next one ends what it has left. */
  readonly runFolder: string;
  /** Another folder for PostgreSQL's data: of a disk that can be filled. */
  readonly postgresFolder?: string;
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** Variables of PostgreSQL's processes: a clock that can be moved. */
  readonly postgresEnv?: Readonly<Record<string, string>>;
}

export class Bed {
  static async open(options: BedOptions): Promise<Bed> {
    mkdirSync(join(options.runFolder, "services"), { recursive: true });
    const libsDir = await kafkaLibs(join(import.meta.dir, "../../../.data/kafka"), quiet);
    const bed = new Bed(options, libsDir, { postgres: await freePort(), broker: await freePort() });
    await Promise.all([bed.startPostgres(), bed.startBroker()]);
    return bed;
  }

  #postgres: RunningPostgres | undefined;
  #broker: RunningBroker | undefined;

  private constructor(
    readonly options: BedOptions,
    readonly libsDir: string,
    /** Kept, so that the services find what comes back. */
    readonly ports: { readonly postgres: number; readonly broker: number },
  ) {}

  get postgres(): RunningPostgres {
    if (this.#postgres === undefined) throw new Error("PostgreSQL does not run");
    return this.#postgres;
  }

  get broker(): RunningBroker {
    if (this.#broker === undefined) throw new Error("the broker does not run");
    return this.#broker;
  }

  /** Resolves when it accepts connections, recovered from whatever ended it. */
  async startPostgres(): Promise<void> {
    const { folder, postgresFolder, postgresSettings, postgresEnv } = this.options;
    this.#postgres = await startPostgres({
      dataDir: postgresFolder ?? join(folder, "postgres"),
      settings: { ...SETTINGS, ...postgresSettings },
      temporary: true,
      ...(postgresEnv && { env: postgresEnv }),
      port: this.ports.postgres,
    });
    this.#note(this.#postgres);
  }

  /** Resolves when it answers. */
  async startBroker(): Promise<void> {
    const { libsDir, ports } = this;
    this.#broker = await startBroker({ dataDir: join(this.options.folder, "kafka"), libsDir, port: ports.broker });
    this.#note(this.#broker);
  }

  /** Starts what an earlier run has left stopped. */
  async revive(): Promise<void> {
    const ended = (server: { exited: Promise<number> }) =>
      Promise.race([server.exited.then(() => true), Bun.sleep(0).then(() => false)]);
    if (await ended(this.postgres)) await this.startPostgres();
    if (await ended(this.broker)) await this.startBroker();
  }

  /** A migrated database and topics, and the variables of servers on them. */
  async ground(label: string): Promise<Ground> {
    const name = `${label.replace(/[^a-z0-9]+/g, "_").slice(0, 30)}_${crypto.randomUUID().slice(0, 8)}`;
    await this.#asAdmin((sql) => sql`create database ${sql(name)}`);
    const address = new URL(this.postgres.url);
    address.pathname = `/${name}`;
    const database = { url: address.href, drop: () => this.#drop(name) };
    const kafka = { brokers: [this.broker.brokers], ssl: false, sasl: null, clientId: "faults", log: silent };
    const topics = [`wallet-events-${name}`, `ledger-events-${name}`] as const;
    await Promise.all([
      migrate({ wallet: database.url, history: database.url }, { info: quiet }),
      createTopics(kafka, topics, 1),
    ]);
    const env = {
      DATABASE_URL: database.url,
      KAFKA_BROKERS: this.broker.brokers,
      KAFKA_TOPIC: topics[0],
      KAFKA_LEDGER_TOPIC: topics[1],
      KAFKA_GROUP_ID: `history-${name}`,
      KAFKA_LEDGER_GROUP_ID: `wallet-${name}`,
      LOG_LEVEL: "warn",
    };
    return { database, historyDatabase: database, env };
  }

  async close(): Promise<void> {
    await Promise.all([this.#postgres?.stop("immediate"), this.#broker?.kill()]);
  }

  #note({ pid }: { readonly pid: number }): void {
    record(join(this.options.runFolder, "services", `${pid}.json`), pid);
  }

  async #drop(name: string): Promise<void> {
    await this.#asAdmin((sql) => sql`drop database if exists ${sql(name)} with (force)`);
  }

  async #asAdmin(act: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
    const sql = postgres(this.postgres.url, { max: 1, onnotice: quiet });
    try {
      await act(sql);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

const silent = createLog({ service: "test", level: "silent", pretty: false });

function quiet(): void {}
