/** Times as people read them, in the reader's own zone; the API's are RFC 3339 in UTC with microseconds. */

const pad = (value: number, length = 2): string => String(value).padStart(length, "0");

/** `13:19:57.709` */
export function formatClock(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

/** `Saturday, 21 November 2026` */
export function formatDay(at: Date): string {
  return at.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** `21 Nov 2026, 13:19:57` */
export function formatMoment(at: Date): string {
  const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  return `${day}, ${formatClock(at).slice(0, 8)}`;
}

/** Milliseconds since 1970 with the microseconds as decimals, which a Date would drop. */
export function toMs(instant: string): number {
  const [, micros = "000"] = /\.\d{3}(\d{3})Z$/.exec(instant) ?? [];
  return Date.parse(instant) + Number(micros) / 1000;
}

/** A span: `34.2 ms`, `1.28 s`, `3 min`. */
export function formatSpan(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1_000) return `${ms.toFixed(1)} ms`;
  if (size < 60_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (size < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return size < 86_400_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}
