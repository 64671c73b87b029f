/** The system under a fault: its servers, what stands before them, and the load of its clients. */
import postgres from "postgres";
import type { Ground } from "../../end-to-end/system.ts";
import { type Gateway, startGateway } from "../../gateway.ts";
import { startBrokerProxy, startProxy, type TcpProxy } from "../../proxy.ts";
import { until } from "../../until.ts";
import type { Random } from "../../workload.ts";
import type { Bed } from "./bed.ts";
import { Load } from "./load.ts";
import { measureRecovery, type Recovery } from "./recovery.ts";
import { type Service, Slot } from "./slot.ts";

export interface Stage {
  readonly wallets: number;
  readonly histories: number;
  /** What the servers' connections, or the clients', go through. */
  readonly through?: "proxies" | "gateway";
  /** Further variables of the servers; the folder is the bed's. */
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
}

export interface SceneOptions {
  readonly bed: Bed;
  readonly stage: Stage;
  readonly random: Random;
  readonly label: string;
  readonly pace: number;
}

const READY_WITHIN_MS = 60_000;
/** From the end of a fault until all it has held up is in the history. */
const RECOVERED_WITHIN_MS = 90_000;

export class Scene {
  readonly slots: Slot[] = [];
  /** What the run was to bring about, beside its operations: takeovers, lost replies. */
  readonly figures = new Map<string, number>();
  /** What must never happen, in words. */
  readonly wrong: string[] = [];
  readonly recoveries: Promise<Recovery>[] = [];
  readonly load: Load;
  readonly #closing: (() => Promise<unknown>)[] = [];
  #database: TcpProxy | undefined;
  #broker: TcpProxy | undefined;
  #gateway: Gateway | undefined;

  private constructor(
    readonly options: SceneOptions,
    readonly ground: Ground,
  ) {
    const { random, pace } = options;
    const any = (service: Service) => () => this.#gateway?.url ?? this.any(service).url;
    this.load = new Load({ random, pace, servers: { wallet: any("wallet"), history: any("history") } });
  }

  /** Starts everything and waits until it is at work. */
  static async open(options: SceneOptions): Promise<Scene> {
    const scene = new Scene(options, await options.bed.ground(options.label));
    try {
      await scene.#openAll();
      return scene;
    } catch (error) {
      await scene.close();
      throw new Error(scene.wrong.join("\n") || "the system does not start", { cause: error });
    }
  }

  get bed(): Bed {
    return this.options.bed;
  }

  get random(): Random {
    return this.options.random;
  }

  /** Between the servers and PostgreSQL. */
  get database(): TcpProxy {
    if (this.#database === undefined) throw new Error("this stage has no proxies");
    return this.#database;
  }

  /** Between the servers and the broker. */
  get broker(): TcpProxy {
    if (this.#broker === undefined) throw new Error("this stage has no proxies");
    return this.#broker;
  }

  of(service: Service): Slot[] {
    return this.slots.filter((slot) => slot.options.service === service);
  }

  any(service?: Service): Slot {
    const these = service === undefined ? this.slots : this.of(service);
    const slot = these[Math.floor(this.random() * these.length)];
    if (slot === undefined) throw new Error(`there is no ${service} service`);
    return slot;
  }

  /** The fault ends now: how long it takes to get over it counts from here. */
  over(): void {
    const recovery = measureRecovery(this.ground.database.url, this.load, RECOVERED_WITHIN_MS);
    recovery.catch(() => undefined);
    this.recoveries.push(recovery);
  }

  add(figure: string, count = 1): void {
    this.figures.set(figure, (this.figures.get(figure) ?? 0) + count);
  }

  /** A look at the database as its owner, on a connection of its own: others may have been cut. */
  async asOwner<T>(act: (sql: postgres.Sql) => Promise<T>): Promise<T> {
    const sql = postgres(this.ground.database.url, { max: 1, onnotice: () => undefined });
    try {
      return await act(sql);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.slots.map((slot) => slot.kill("SIGKILL")));
    for (const close of this.#closing) await close();
    await this.ground.database.drop();
  }

  async #openAll(): Promise<void> {
    const { bed, stage } = this.options;
    const { folder, runFolder } = bed.options;
    const addresses = stage.through === "proxies" && (await this.#openProxies());
    const env = { ...this.ground.env, ...addresses, ...stage.env?.(folder) };
    const onDeath = (what: string) => this.wrong.push(what);
    const { wallets, histories } = stage;
    const services = [...Array<Service>(wallets).fill("wallet"), ...Array<Service>(histories).fill("history")];
    await Promise.all(
      services.map(async (service) => this.slots.push(await Slot.open({ service, env, folder: runFolder, onDeath }))),
    );
    await Promise.all(this.slots.map(isReady));
    if (stage.through !== "gateway") return;
    const [wallet, history] = [this.of("wallet"), this.of("history")].map((slots) => slots.map(({ url }) => url));
    const gateway = await startGateway({ wallet: wallet ?? [], history: history ?? [] }, runFolder);
    this.#gateway = gateway;
    this.#closing.push(() => gateway.stop());
  }

  async #openProxies(): Promise<Record<string, string>> {
    const { bed } = this.options;
    const database = await startProxy(bed.postgres.port);
    const broker = await startBrokerProxy(bed.broker.port);
    this.#database = database;
    this.#broker = broker;
    this.#closing.push(
      async () => database.close(),
      async () => broker.close(),
    );
    return { DATABASE_URL: database.databaseUrl(this.ground.database.url), KAFKA_BROKERS: `127.0.0.1:${broker.port}` };
  }
}

/** Resolves when the server has its database and its broker, and says so. */
export async function isReady(slot: Slot): Promise<void> {
  await until(
    async () => {
      const response = await fetch(`${slot.url}/health`);
      return response.ok && /"status":"ok"/.test(await response.text());
    },
    { timeout_ms: READY_WITHIN_MS, interval_ms: 50, what: `the ${slot.options.service} service is ready` },
  );
}
