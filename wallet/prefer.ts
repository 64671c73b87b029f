/** `Prefer: wait` (RFC 7240 §4.3). */

/** A wait of more than this counts as this: proxies give up on silent connections soon after. */
export const WAIT_MAX_S = 30;

const WAIT = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|,|$)/i;

/** Seconds for which the client would wait for the final state; undefined where it does not say. Other preferences are ignored. */
export function parseWait(header: string | null): number | undefined {
  const seconds = header === null ? undefined : WAIT.exec(header)?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), WAIT_MAX_S);
}
