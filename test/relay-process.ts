/** A relay in a process of its own, to be killed or paused. Called with its settings as JSON; says `leader` and `follower`. */
import { connectFunctions } from "../shared/database.ts";
import { connectProducer } from "../shared/kafka.ts";
import { startRelay } from "../shared/relay.ts";
import { silent } from "./outbox.ts";

const { url, brokers, topic } = JSON.parse(process.argv[2] ?? "{}");
const relay = startRelay({
  connect: () => connectFunctions(url, { service: "wallet", purpose: "relay", max: 2 }),
  connectProducer: (deadline_ms) =>
    connectProducer({ brokers, ssl: false, sasl: null, clientId: "relay-process", log: silent }, deadline_ms),
  topic,
  source: "urn:wallet:wallet-service",
  holder: crypto.randomUUID(),
  log: silent,
});
let told = "";
setInterval(() => {
  const { standing } = relay.status();
  if (standing !== told) console.log(standing);
  told = standing;
}, 10);
// It ends with the test that started it, however that ends.
for await (const _ of Bun.stdin.stream()) {
}
process.exit(0);
