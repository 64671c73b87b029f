/** Both topics once more from their beginnings, with what no reader can use in between. */
import { Kafka, logLevel, type Message } from "kafkajs";
import { until } from "../../../until.ts";
import { AFTER_THE_BROKER, type Fault, ONE_OF_EACH } from "../fault.ts";
import type { Scene } from "../scene.ts";

interface Copy extends Message {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** After so many messages comes one that must be put aside. */
const POISON_EVERY = 40;
const MESSAGES_AT_ONCE = 500;
const READ_WITHIN_MS = 60_000;
/** The mark by which a dead letter is known for one of these. */
const PLANTED = { planted: "yes" };

/** What nobody can read, on either topic. */
const GARBAGE: readonly ((of: Copy) => Pick<Copy, "key" | "value">)[] = [
  ({ key }) => ({ key, value: null }),
  () => ({ key: null, value: Buffer.from([0xff, 0x00, 0xfe, 0x01]) }),
  ({ key }) => ({ key, value: Buffer.from("no JSON at all") }),
  ({ key }) => ({ key, value: Buffer.from('{"type": "WALLET_FUNDED"}') }),
  ({ key, value }) => ({ key, value: value?.subarray(0, value.length / 2) ?? null }),
  ({ value }) => ({ key: Buffer.from(crypto.randomUUID()), value }),
  changed(() => ({ amount: "1e5" })),
];

/** Events of a wallet that can be read and must not be believed. */
const LYING_EVENTS = [
  changed(() => ({ id: crypto.randomUUID() })),
  changed(({ balance_after }) => ({ balance_after: `9${String(balance_after)}` })),
  changed(() => ({ id: crypto.randomUUID(), description: "a text with \0 in it" })),
];

/** Decisions on sagas that are none, or that have been decided otherwise. */
const LYING_DECISIONS = [
  changed(() => ({ id: crypto.randomUUID(), transaction_id: crypto.randomUUID() })),
  changed(({ type }) =>
    type === "LEDGER_SUCCESS"
      ? { id: crypto.randomUUID(), type: "LEDGER_FAILED", reason: "account_frozen" }
      : { id: crypto.randomUUID(), type: "LEDGER_SUCCESS", reason: null },
  ),
];

function changed(change: (fields: Fields) => Fields): (of: Copy) => Pick<Copy, "key" | "value"> {
  return ({ key, value }) => {
    const fields: Fields = JSON.parse(value?.toString() ?? "{}");
    return { key, value: Buffer.from(JSON.stringify({ ...fields, ...change(fields) })) };
  };
}

async function replay(scene: Scene, topic: string, lies: typeof LYING_EVENTS): Promise<void> {
  const kafka = new Kafka({ brokers: [scene.bed.broker.brokers], clientId: "replay", logLevel: logLevel.NOTHING });
  const copies = (await readAll(kafka, topic)).filter(({ headers }) => headers?.planted === undefined);
  const kinds = [...GARBAGE, ...lies];
  const again = copies.flatMap((copy, index): Copy[] => {
    if (index % POISON_EVERY !== POISON_EVERY - 1) return [copy];
    const kind = kinds[Math.floor(scene.random() * kinds.length)];
    const { partition } = copy;
    return kind === undefined ? [copy] : [copy, { partition, headers: PLANTED, ...kind(copy) }];
  });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (let from = 0; from < again.length; from += MESSAGES_AT_ONCE)
    await producer.send({ topic, messages: again.slice(from, from + MESSAGES_AT_ONCE) });
  await producer.disconnect();
  scene.add("repeated", copies.length);
  scene.add(`planted on ${topic}`, again.length - copies.length);
  scene.add("planted", again.length - copies.length);
}

/** All that is on the topic now, partition by partition in its order. */
async function readAll(kafka: Kafka, topic: string): Promise<Copy[]> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
  await admin.disconnect();
  const found: Copy[] = [];
  let missing = [...ends.values()].reduce((sum, end) => sum + end, 0);
  const consumer = kafka.consumer({ groupId: `replay-${crypto.randomUUID()}`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message: { key, value, headers, offset } }) => {
      if (Number(offset) >= (ends.get(partition) ?? 0)) return;
      missing -= 1;
      found.push({ partition, key, value, headers: headers ?? {} });
    },
  });
  await until(() => missing === 0, { timeout_ms: READ_WITHIN_MS, what: `${topic} is read` });
  await consumer.disconnect();
  return found;
}

/** Just what was planted is put aside: nothing that is sound, and nothing of it believed. */
async function putAside(scene: Scene): Promise<string[]> {
  const { KAFKA_TOPIC = "", KAFKA_LEDGER_TOPIC = "" } = scene.ground.env;
  const found = await scene.asOwner(
    (sql) => sql<{ topic: string; planted: boolean; letters: number }[]>`
      select topic, headers ->> 'planted' is not null as planted, count(*)::int as letters
        from (select topic, headers from wallet.dead_letters union all select topic, headers from history.dead_letters) letter
       group by 1, 2`,
  );
  const wrong = found
    .filter(({ planted }) => !planted)
    .map(({ topic, letters }) => `${letters} dead letters of ${topic}`);
  for (const topic of [KAFKA_TOPIC, KAFKA_LEDGER_TOPIC]) {
    const wanted = scene.figures.get(`planted on ${topic}`) ?? 0;
    const letters = found.find((each) => each.topic === topic && each.planted)?.letters ?? 0;
    if (letters !== wanted)
      wrong.push(`${letters} of ${wanted} messages that were planted on ${topic} are dead letters`);
  }
  return wrong;
}

export const TOPICS_REPLAYED: Fault = {
  name: "topics replayed",
  does: "all messages of both topics are sent again, with garbage and lies in between: they change nothing, and what was planted ends as dead letters",
  stage: ONE_OF_EACH,
  async strike(scene) {
    const { KAFKA_TOPIC = "", KAFKA_LEDGER_TOPIC = "" } = scene.ground.env;
    await replay(scene, KAFKA_TOPIC, LYING_EVENTS);
    await replay(scene, KAFKA_LEDGER_TOPIC, LYING_DECISIONS);
    scene.over();
  },
  wants: { repeated: 10_000, planted: 200 },
  goal: AFTER_THE_BROKER,
  except: ["I6_no_dead_letters"],
  expect: putAside,
  selected: true,
};
