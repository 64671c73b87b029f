import type { Plant } from "../plant.ts";

/** Bugs on the way of an event: from the outbox to the topic, and from the topic into the history. */

const RELAY = "shared/relay.ts";
const RELAY_TEST = "shared/relay.test.ts";
const CONSUMER = "shared/consumer.ts";
const OUTBOX = "sql/functions/outbox";

const SEND = "      await this.#send(epoch, page);\n";
const MARK =
  "      this.#surveyed = undefined;\n      await this.#moved(() => this.#outbox.advance(epoch, target, last_id, complete));\n";
const RECEIVED = "    const messages = receivedOf(batch);\n";
const RESOLVED = "    resolveOffset(last.offset);\n";

export const DELIVERY: readonly Plant[] = [
  {
    name: "marked-before-acknowledged",
    breaks: "an event that the broker never took counts as published, and is in no history",
    edits: [{ file: RELAY, old: `${SEND}${MARK}`, new: `${MARK}${SEND}` }],
    caught_by: [
      {
        file: RELAY_TEST,
        title: "is not looked at while there is no broker, and surveyed once, however often sending fails",
      },
    ],
  },
  {
    name: "id-cursor",
    breaks: "an event whose transaction commits behind one with a higher id is never published",
    edits: [
      {
        file: `${OUTBOX}/read_outbox.sql`,
        old: "and not pg_visible_in_snapshot(o.xid, v_last)",
        new: "and o.id > coalesce((select max(seen.id) from outbox seen where pg_visible_in_snapshot(seen.xid, v_last)), 0)",
      },
    ],
    caught_by: [
      { file: RELAY_TEST, title: "a higher id that commits first is published, and the lower one when it commits" },
    ],
  },
  {
    name: "number-horizon",
    breaks: "an event whose transaction began early and committed late is never published",
    edits: [
      {
        file: `${OUTBOX}/survey_outbox.sql`,
        old: "v_running := array(select pg_snapshot_xip(v_state.last_snapshot));",
        new: "v_running := '{}';",
      },
    ],
    caught_by: [
      { file: RELAY_TEST, title: "a higher id that commits first is published, and the lower one when it commits" },
    ],
  },
  {
    name: "no-epoch",
    breaks: "a relay that has slept and lost its lease moves the state of the one that works",
    edits: [{ file: `${OUTBOX}/advance_outbox.sql`, old: "   where epoch = p_epoch;", new: "   where true;" }],
    caught_by: [{ file: "sql/outbox.test.ts", title: "of an older epoch moves nothing" }],
  },
  {
    name: "no-lease",
    breaks: "two relays publish the same outbox side by side",
    edits: [
      {
        file: `${OUTBOX}/acquire_lease.sql`,
        old: "where (s.holder is null or s.holder = p_holder or s.lease_until <= v_now or s.lease_until > v_implausible)",
        new: "where true",
      },
    ],
    caught_by: [
      {
        file: "sql/outbox.test.ts",
        title: "has one holder, whose epoch stays while it renews in time and grows when it did not",
      },
    ],
  },
  {
    name: "offset-before-database",
    breaks: "a batch that could not be stored is never read again: its events are in no history",
    edits: [
      { file: CONSUMER, old: RECEIVED, new: `${RESOLVED}${RECEIVED}` },
      { file: CONSUMER, old: `    });\n${RESOLVED}`, new: "    });\n" },
    ],
    caught_by: [{ file: "shared/consumer.test.ts", title: "one that fails comes again" }],
  },
];
