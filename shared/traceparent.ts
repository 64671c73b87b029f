/** W3C Trace Context, version 00: what joins the spans of one request over all that it causes. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The header that carries it, of requests and of messages. */
export const TRACEPARENT_HEADER = "traceparent";

/** The `traceparent` as it came, or undefined where there is none or it is malformed: then there is no trace, and no error. */
export function parseTraceparent(text: string | null | undefined): string | undefined {
  return text !== null && text !== undefined && TRACEPARENT.test(text) ? text : undefined;
}
