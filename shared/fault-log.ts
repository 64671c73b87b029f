import type { Logger } from "pino";

/** The same fault is told again only after this time: a broker may be away for hours, and is asked every second. */
const TELL_AGAIN_AFTER_MS = 30_000;

/** Tells of a fault that is tried again: a new one at once, a lasting one now and then. */
export function createFaultLog(log: Logger, message: string, now: () => number = () => performance.now()) {
  let told: { readonly error: string; readonly at: number } | undefined;
  return (fault: unknown, fields: Record<string, unknown> = {}): void => {
    const error = fault instanceof Error ? fault.message : String(fault);
    if (told?.error === error && now() - told.at < TELL_AGAIN_AFTER_MS) return;
    told = { error, at: now() };
    log.warn({ error, ...fields }, message);
  };
}
