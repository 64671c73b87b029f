import { useEffect, useRef, useState } from "preact/hooks";
import { useConsole } from "../api/context.ts";
import type { HistoryEvent } from "../api/wire.ts";
import { Action, Copy } from "../parts/basics.tsx";
import { Choice } from "../parts/field.tsx";
import { toMs } from "../time.ts";
import { BalanceThen } from "./balance-then.tsx";
import { ChartLines } from "./chart-lines.tsx";
import { createScale, type Frame, type Scale, type Spacing, type Step, stepsOf, toInstant } from "./scale.ts";

export interface BalanceChartProps {
  readonly wallet_id: string;
  /** Newest first. */
  readonly events: readonly HistoryEvent[];
  /** The moment that is looked at; null: now. */
  readonly at: string | null;
}

const SPACINGS = [
  ["time", "By time"],
  ["events", "By event"],
] as const;
const HEIGHT_PX = 240;
const MARGINS = { left: 56, right: 16, top: 16, bottom: 30 };

/** The balance as a line over time, with a line across it that can be dragged to any moment. */
export function BalanceChart({ wallet_id, events, at }: BalanceChartProps) {
  const { router, now } = useConsole();
  const [box, width] = useWidth();
  const [spacing, setSpacing] = useState<Spacing>("time");
  const steps = stepsOf(events);
  const frame: Frame = { ...MARGINS, width, height: HEIGHT_PX };
  const scale = createScale(steps, now(), frame, spacing);
  const asked = at === null ? Number.NaN : toMs(at);
  const moment = Number.isNaN(asked) ? scale.to_ms : Math.min(scale.to_ms, Math.max(scale.from_ms, asked));
  const look = (at_ms: number | null): void =>
    router.adjust({ view: "wallet", id: wallet_id, at: at_ms === null ? null : toInstant(at_ms) });

  return (
    <>
      <BalanceThen wallet_id={wallet_id} at={at} newest={events[0]?.wallet_version ?? 0} />
      <div class="chart" ref={box}>
        {width > 0 && <ChartLines steps={steps} scale={scale} frame={frame} moment={moment} spacing={spacing} />}
        {width > 0 && steps.length > 0 && (
          <TimeLine steps={steps} scale={scale} frame={frame} moment={moment} onMoment={look} />
        )}
      </div>
      <div class="actions">
        <Choice label="Distances in the chart" options={SPACINGS} value={spacing} onValue={setSpacing} />
        {at !== null && (
          <Action icon="release" onClick={() => look(null)}>
            Back to now
          </Action>
        )}
        <Copy label="Copy link to this moment" icon="link" text={() => location.href} />
      </div>
    </>
  );
}

interface TimeLineProps {
  readonly steps: readonly Step[];
  readonly scale: Scale;
  readonly frame: Frame;
  readonly moment: number;
  /** Null: now, and on with the time. */
  readonly onMoment: (at_ms: number | null) => void;
}

/** The handle of the moment: by pointer anywhere in the chart, by arrow keys from event to event. */
function TimeLine({ steps, scale, frame, moment, onMoment }: TimeLineProps) {
  const dragging = useRef(false);
  const area = useRef<HTMLDivElement>(null);
  const look = ({ clientX }: PointerEvent): void => {
    const left = area.current?.getBoundingClientRect().left ?? 0;
    onMoment(scale.momentAt(clientX - left));
  };
  const begin = (event: PointerEvent): void => {
    dragging.current = true;
    area.current?.setPointerCapture(event.pointerId);
    look(event);
  };
  const byKey = (event: KeyboardEvent): void => {
    const target = targetOf(event.key, steps, moment);
    if (target === undefined) return;
    event.preventDefault();
    onMoment(target);
  };
  return (
    <div
      ref={area}
      class="time-line"
      onPointerDown={begin}
      onPointerMove={(event) => dragging.current && look(event)}
      onPointerUp={() => {
        dragging.current = false;
      }}
      onPointerCancel={() => {
        dragging.current = false;
      }}
    >
      <div
        class="handle"
        role="slider"
        tabIndex={0}
        aria-label="Moment: arrow keys go from event to event"
        aria-valuemin={Math.round(scale.from_ms)}
        aria-valuemax={Math.round(scale.to_ms)}
        aria-valuenow={Math.round(moment)}
        aria-valuetext={new Date(moment).toLocaleString("en-GB")}
        style={{
          left: `${scale.x(moment)}px`,
          top: `${frame.top}px`,
          height: `${frame.height - frame.top - frame.bottom}px`,
        }}
        onKeyDown={byKey}
      />
    </div>
  );
}

/** Where a key leads: to the event before or behind, to the first, or to now (null). */
function targetOf(key: string, steps: readonly Step[], moment: number): number | null | undefined {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return steps.findLast(({ at_ms }) => at_ms < moment)?.at_ms ?? steps[0]?.at_ms;
    case "ArrowRight":
    case "ArrowUp":
      return steps.find(({ at_ms }) => at_ms > moment)?.at_ms ?? null;
    case "Home":
      return steps[0]?.at_ms;
    case "End":
      return null;
    default:
      return undefined;
  }
}

/** The width that an element has got, in pixels; 0 before it is known. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
