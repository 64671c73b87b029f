const RFC3339 = /^(\d{4}-\d\d-(\d\d))T(\d\d:\d\d:\d\d)(?:\.(\d{1,32}))?(?:Z|([+-])(\d\d):(\d\d))$/i;
const MICROS_PER_SECOND = 1_000_000;
const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59Z");

/**
 * An RFC 3339 time as UTC with six decimals; undefined for any other text, leap seconds and years outside 1 to 9999 (which
 * PostgreSQL would refuse, or understand in its own way). Digits past the microsecond round up: stored times have six, so
 * comparisons with them come out the same.
 */
export function readInstant(text: string): string | undefined {
  const [, date, day, time, fraction = "", sign, hours = "00", minutes = "00"] = RFC3339.exec(text) ?? [];
  const local = Date.parse(`${date}T${time}Z`);
  // Date.parse takes 30 February for a day in March, and 24:00 for the next day.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const roundsUp = /[1-9]/.test(fraction.slice(6)) ? 1 : 0;
  const micros = Number(fraction.slice(0, 6).padEnd(6, "0")) + roundsUp;
  const utc = local - offsetMs + (micros === MICROS_PER_SECOND ? 1000 : 0);
  if (utc < FIRST_MS || utc > LAST_MS) return undefined;
  return `${new Date(utc).toISOString().slice(0, 19)}.${String(micros % MICROS_PER_SECOND).padStart(6, "0")}Z`;
}
