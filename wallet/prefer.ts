/** `Prefer: wait` (RFC 7240 §4.3). */

/** A wait of more than this counts as this: proxies give up on silent connections soon after. */
export const WAIT_MAX_S = 30;

/** One preference of the list: a comma inside a quoted string separates nothing (RFC 9110 §5.6.4). */
const PREFERENCES = /(?:[^",]|"(?:[^"\\]|\\.)*")+/g;
const WAIT = /^\s*wait\s*=\s*"?(\d+)"?\s*(?:;|$)/i;

/** Seconds for which the client would wait for the final state; undefined where it does not say. Other preferences are ignored. */
export function parseWait(header: string | null): number | undefined {
  // Of a preference that is said twice the first counts (RFC 7240 §2).
  for (const [preference] of header?.matchAll(PREFERENCES) ?? []) {
    const seconds = WAIT.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), WAIT_MAX_S);
  }
  return undefined;
}
