import {
  areaPath,
  eventMarks,
  type Frame,
  heldPath,
  type Scale,
  type Spacing,
  type Step,
  shortAmount,
  stepPath,
  timeMarks,
} from "./scale.ts";

export interface ChartLinesProps {
  readonly steps: readonly Step[];
  readonly scale: Scale;
  readonly frame: Frame;
  readonly moment: number;
  readonly spacing: Spacing;
}

/** Parts of the height at which a line of the grid is drawn. */
const GRID = [0, 0.25, 0.5, 0.75, 1];
/** A mark of time needs so many pixels. */
const MARK_PX = 110;
/** Nearer to the left edge, half of a mark would lie over the scale of heights. */
const EDGE_PX = 20;
/** More dots than that are a second line. */
const DOTS_MAX = 150;
const DAY_MS = 86_400_000;

/** The drawing itself. What it shows is said in words by the history below it. */
export function ChartLines({ steps, scale, frame, moment, spacing }: ChartLinesProps) {
  const right = frame.width - frame.right;
  const x = scale.x(moment);
  const marks_max = Math.max(1, Math.floor((right - frame.left) / MARK_PX));
  const marks = spacing === "time" ? timeMarks(scale, marks_max) : eventMarks(steps, marks_max);
  const balance = (step: Step) => step.balance;
  return (
    <svg width={frame.width} height={frame.height} aria-hidden="true" class="lines-of-chart">
      {GRID.map((part) => {
        const y = scale.y(scale.max * part);
        return (
          <g key={part} class="grid">
            <line x1={frame.left} x2={right} y1={y} y2={y} />
            <text x={frame.left - 8} y={y + 4} text-anchor="end">
              {shortAmount(scale.max * part)}
            </text>
          </g>
        );
      })}
      {marks.map((at) => (
        <text
          key={at}
          class="mark-of-time"
          x={scale.x(at)}
          y={frame.height - 8}
          text-anchor={scale.x(at) < frame.left + EDGE_PX ? "start" : "middle"}
        >
          {markOf(at, scale.to_ms - scale.from_ms)}
        </text>
      ))}
      <path class="area" d={areaPath(steps, balance, scale)} />
      <path class="available" d={heldPath(steps, scale)} />
      <path class="line" d={stepPath(steps, balance, scale)} />
      {steps.length <= DOTS_MAX &&
        steps.map((step) => (
          <circle key={step.event.id} class="dot" cx={scale.x(step.at_ms)} cy={scale.y(step.balance)} r="3" />
        ))}
      <rect
        class="later"
        x={x}
        y={frame.top}
        width={Math.max(0, right - x)}
        height={frame.height - frame.top - frame.bottom}
      />
    </svg>
  );
}

function markOf(at_ms: number, span_ms: number): string {
  const at = new Date(at_ms);
  if (span_ms > 3 * DAY_MS) return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return at.toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(span_ms < 300_000 && { second: "2-digit" }),
  });
}
