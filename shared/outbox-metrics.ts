import { Gauge, type Registry } from "prom-client";
import type { Relay } from "./relay.ts";

/** Gauges of the outbox and its relay, read when Prometheus asks; both services have them. */
export function watchOutbox(registry: Registry, relay: Pick<Relay, "backlog" | "status">): void {
  const registers = [registry];
  const oldest = new Gauge({
    name: "outbox_oldest_seconds",
    help: "Age of the oldest event that is not published.",
    registers,
  });
  new Gauge({
    name: "outbox_events",
    help: "Events that are not published, counted up to 100,000.",
    registers,
    async collect() {
      const backlog = await relay.backlog().catch(() => undefined);
      if (backlog === undefined) return;
      this.set(backlog.events);
      oldest.set(backlog.oldest_age_ms / 1000);
    },
  });
  new Gauge({
    name: "relay_leader",
    help: "Whether this process publishes the outbox.",
    registers,
    collect() {
      this.set(relay.status().standing === "leader" ? 1 : 0);
    },
  });
}
