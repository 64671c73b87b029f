import type { HistoryEvent } from "../api/wire.ts";
import { toHeight } from "../money.ts";
import { toMs } from "../time.ts";

/** The geometry of the chart: from amounts and times to pixels. Pure. */

/** What a wallet held from one moment on. Heights are for drawing only. */
export interface Step {
  readonly at_ms: number;
  readonly balance: number;
  readonly available: number;
  readonly event: HistoryEvent;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Scale {
  readonly from_ms: number;
  readonly to_ms: number;
  /** Of the topmost line of the grid. */
  readonly max: number;
  x(at_ms: number): number;
  y(height: number): number;
  /** The moment at a pixel, within the chart's span. */
  momentAt(x: number): number;
}

/** Oldest first. */
export function stepsOf(events: readonly HistoryEvent[]): readonly Step[] {
  return events.toReversed().map((event) => {
    const balance = toHeight(event.balance_after);
    return {
      at_ms: toMs(event.occurred_at),
      balance,
      available: balance - toHeight(event.event_data.held_after),
      event,
    };
  });
}

/** How times are laid out: to scale, or with the same room for every event, however much time lies between. */
export type Spacing = "time" | "events";

/** A wallet that was opened a moment ago has some width too. */
const SPAN_MIN_MS = 1_000;

export function createScale(steps: readonly Step[], now_ms: number, frame: Frame, spacing: Spacing = "time"): Scale {
  const from_ms = steps[0]?.at_ms ?? now_ms - SPAN_MIN_MS;
  const to_ms = Math.max(now_ms, steps.at(-1)?.at_ms ?? 0, from_ms + SPAN_MIN_MS);
  const max = roundUp(Math.max(0, ...steps.map(({ balance }) => balance)));
  const wide = frame.width - frame.left - frame.right;
  const high = frame.height - frame.top - frame.bottom;
  const between = spacing === "events" ? steps.slice(1).map(({ at_ms }) => at_ms) : [];
  const anchors = [from_ms, ...between, to_ms];
  return {
    from_ms,
    to_ms,
    max,
    x: (at_ms) => frame.left + partOf(at_ms, anchors) * wide,
    y: (height) => frame.top + (1 - height / max) * high,
    momentAt: (x) => momentOf(Math.min(1, Math.max(0, (x - frame.left) / wide)), anchors),
  };
}

/** Which part of the way a moment is at, from 0 to 1, where the anchors are at the same distance from each other. */
function partOf(at_ms: number, anchors: readonly number[]): number {
  const behind = anchors.findIndex((anchor, at) => at > 0 && anchor >= at_ms);
  const upper = behind === -1 ? anchors.length - 1 : behind;
  const [from = 0, to = 0] = [anchors[upper - 1], anchors[upper]];
  const within = to === from ? 1 : (at_ms - from) / (to - from);
  return (upper - 1 + within) / (anchors.length - 1);
}

/** The moment at a part of the way: {@link partOf} in the other direction. */
function momentOf(part: number, anchors: readonly number[]): number {
  const way = part * (anchors.length - 1);
  const lower = Math.min(Math.floor(way), anchors.length - 2);
  const [from = 0, to = 0] = [anchors[lower], anchors[lower + 1]];
  return from + (way - lower) * (to - from);
}

/** The next number that is easy to read: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= value) ?? 10;
  return factor * power;
}

/** A line that stays level and then jumps, since a balance does not grow between two events. */
export function stepPath(steps: readonly Step[], heightOf: (step: Step) => number, scale: Scale): string {
  const [first] = steps;
  if (first === undefined) return "";
  const point = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const parts = steps.map((step, at) => {
    const x = scale.x(step.at_ms);
    const y = scale.y(heightOf(step));
    const before = steps[at - 1];
    return before === undefined ? `M${point(x, y)}` : `L${point(x, scale.y(heightOf(before)))}L${point(x, y)}`;
  });
  const last = steps.at(-1) ?? first;
  return `${parts.join("")}L${point(scale.x(scale.to_ms), scale.y(heightOf(last)))}`;
}

/** The same, closed down to zero. */
export function areaPath(steps: readonly Step[], heightOf: (step: Step) => number, scale: Scale): string {
  const line = stepPath(steps, heightOf, scale);
  if (line === "") return "";
  const zero = scale.y(0).toFixed(1);
  return `${line}L${scale.x(scale.to_ms).toFixed(1)} ${zero}L${scale.x(scale.from_ms).toFixed(1)} ${zero}Z`;
}

/** What is available while something is held: level lines below the balance, and nothing where the two are the same. */
export function heldPath(steps: readonly Step[], scale: Scale): string {
  return steps
    .flatMap(({ at_ms, available, balance }, at) => {
      if (available === balance) return [];
      const y = scale.y(available).toFixed(1);
      const until = steps[at + 1]?.at_ms ?? scale.to_ms;
      return `M${scale.x(at_ms).toFixed(1)} ${y}L${scale.x(until).toFixed(1)} ${y}`;
    })
    .join("");
}

/** Spans between two marks of time that people count in. */
const TIME_STEPS_MS = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000,
  7_776_000_000, 31_536_000_000,
];

/** Moments to mark below the chart, at most `most` of them. */
export function timeMarks({ from_ms, to_ms }: Scale, most: number): readonly number[] {
  const span = to_ms - from_ms;
  const step = TIME_STEPS_MS.find((each) => span / each <= most) ?? span;
  const first = Math.ceil(from_ms / step) * step;
  return Array.from({ length: Math.floor((to_ms - first) / step) + 1 }, (_, at) => first + at * step);
}

/** Events to mark below the chart, at most `most` of them, the first among them. */
export function eventMarks(steps: readonly Step[], most: number): readonly number[] {
  const every = Math.ceil(steps.length / most);
  return steps.filter((_, at) => at % every === 0).map(({ at_ms }) => at_ms);
}

/** A balance as a mark of the grid: `1.5k`. */
export function shortAmount(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(value);
}

/**
 * Moments as the API takes them. A number holds a quarter of a microsecond, so rounding gives back the one that an event
 * came with; cut off, it would be the moment before the event.
 */
export function toInstant(at_ms: number): string {
  const at_us = Math.round(at_ms * 1_000);
  const micros = String(at_us % 1_000).padStart(3, "0");
  return new Date(Math.floor(at_us / 1_000)).toISOString().replace("Z", `${micros}Z`);
}
