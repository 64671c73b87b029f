/** One request, one time, within a deadline. */

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** JSON text. */
  readonly body: string | undefined;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
}

/** The whole answer, or what came in its way. */
export type Reply = { readonly response: Response } | { readonly response: undefined; readonly cause: unknown };

/** The history service sends a comment every 15 s: silence for more than twice as long means that the stream is lost. */
const SILENCE_MS = 40_000;

/**
 * Sends the request. An answer counts once all of it is here: one that breaks off in the middle is lost like one that never came. Of a
 * stream the deadline covers the beginning; from then on it ends when it says nothing for too long.
 */
export async function tryOnce(fetcher: typeof fetch, request: Request, deadline_ms: number): Promise<Reply> {
  const { method, url, headers, body, signal } = request;
  const ending = new AbortController();
  const giveUp = (): void => ending.abort(new DOMException(`nothing within ${deadline_ms} ms`, "TimeoutError"));
  const timer = setTimeout(giveUp, deadline_ms);
  try {
    const response = await fetcher(url, {
      method,
      headers,
      ...(body !== undefined && { body }),
      signal: signal ? AbortSignal.any([signal, ending.signal]) : ending.signal,
      // The API never redirects; whoever does is not it, and is given no key.
      redirect: "manual",
    });
    if (response.headers.get("content-type")?.startsWith("text/event-stream") && response.body !== null) {
      return { response: new Response(response.body.pipeThrough(watched(ending, signal)), response) };
    }
    const bytes = await response.arrayBuffer();
    return { response: new Response(bytes.byteLength === 0 ? null : bytes, response) };
  } catch (cause) {
    return { response: undefined, cause };
  } finally {
    clearTimeout(timer);
  }
}

/** Passes everything on, and ends the connection when there is nothing to pass on for too long. `over`: nobody listens any more. */
function watched(ending: AbortController, over: AbortSignal | undefined): TransformStream<Uint8Array, Uint8Array> {
  const silent = (): void => ending.abort(new DOMException(`silent for ${SILENCE_MS} ms`, "TimeoutError"));
  let timer = setTimeout(silent, SILENCE_MS);
  over?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return new TransformStream({
    transform(bytes, controller) {
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE_MS);
      controller.enqueue(bytes);
    },
    flush: () => clearTimeout(timer),
  });
}
