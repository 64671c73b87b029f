/** What is read off a Request without parsing its URL anew: both are called on every request. */

/** Header that names a request, in logs, problem bodies and on every response. */
export const REQUEST_ID = "request-id";

/** The id of a request. The conventions plugin has put one there if the client did not. */
export function requestId(request: Request): string {
  return request.headers.get(REQUEST_ID) ?? "";
}

/** Length of `http://`, behind which a URL's host starts. */
const SCHEME_CHARACTERS = 7;

/** The path of a request as it was sent, without its query; `instance` of its problems. */
export function pathOf(request: Request): string {
  const { url } = request;
  const start = url.indexOf("/", SCHEME_CHARACTERS + 1);
  if (start === -1) return "/";
  const end = url.indexOf("?", start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

/** The query of a request without its question mark; empty without one. */
export function queryOf(request: Request): string {
  const at = request.url.indexOf("?");
  return at === -1 ? "" : request.url.slice(at + 1);
}
