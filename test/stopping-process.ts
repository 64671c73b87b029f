/** A process that ends as the servers do, for tests: `bun test/stopping-process.ts <how>`. Writes `ready` once it can be told. */
import { createLog } from "../shared/log.ts";
import { exitOnDefects, type StopStep, stopOnSignals } from "../shared/shutdown.ts";

const log = createLog({ service: "test", level: "info", pretty: false });
const [, , how = ""] = process.argv;
const WITHIN_MS = 300;

const step = (name: string): StopStep => ({
  name,
  stop: async () => {
    await Bun.sleep(5);
    log.info({ step: name }, "ended");
  },
});
const failing: StopStep = { name: "failing", stop: () => Promise.reject(new Error("no")) };
const stuck: StopStep = { name: "stuck", stop: () => new Promise(() => undefined) };

exitOnDefects(log);
if (how === "in order") stopOnSignals([step("one"), step("two")], log);
if (how === "failing") stopOnSignals([failing, step("two")], log);
if (how === "stuck") stopOnSignals([step("one"), stuck, step("three")], log, WITHIN_MS);
if (how === "stuck for long") stopOnSignals([stuck], log);
if (how === "throws") setTimeout(() => JSON.parse("{"), 1);
if (how === "rejects") void Promise.reject(new Error("nobody awaits this"));
if (how === "does not start") throw new Error("there is no port");
console.log("ready");
setInterval(() => undefined, 1_000);
