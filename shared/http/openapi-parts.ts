import type { RequestHeader, ResponseHeader } from "./describe.ts";
import { PROBLEM_CODES, PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemHead } from "./problems.ts";

/** The parts of the API description that every route shares. */

const REQUEST_ID_EXAMPLE = "01980a1b-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

/** One entity tag (RFC 9110 §8.8.3). */
const TAG = String.raw`(W/)?"[\x21\x23-\x7e]*"`;

interface HeaderNotes {
  readonly description: string;
  readonly example: string;
  readonly maxLength?: number;
  /** What is refused otherwise; a header without one is ignored where it cannot be understood. */
  readonly pattern?: string;
}

const REQUEST_HEADERS: Readonly<Record<RequestHeader, HeaderNotes>> = {
  "Idempotency-Key": {
    description:
      "Names this attempt: the same request with the same key is carried out once and answered the same for at least 25 hours. 1 to 255 visible ASCII characters.",
    example: "4f1c7a52-pay-rent",
    maxLength: 255,
    pattern: String.raw`^[\x21-\x7e]+$`,
  },
  "If-Match": {
    description: "Carry out only while the wallet is at one of these versions, else 412; * is any.",
    example: '"3"',
    pattern: `^(\\*|${TAG}(, ?${TAG})*)$`,
  },
  "If-None-Match": { description: "Answer 304 while the wallet is at one of these versions.", example: '"3"' },
  Prefer: {
    description: "wait=N waits up to N seconds (at most 30) for the final state (RFC 7240).",
    example: "wait=10",
  },
  "Last-Event-ID": {
    description: "Go on behind this event of the stream: the `id` of one that was received.",
    example: "0-17.3-4",
    pattern: String.raw`^\d{1,5}-\d{1,15}(\.\d{1,5}-\d{1,15})*$`,
  },
};

/** Headers that no route names: they come with every answer, or with certain errors. */
type OwnHeader = "Request-Id" | "Retry-After" | "WWW-Authenticate" | "RateLimit" | "RateLimit-Policy" | "Allow";

const RESPONSE_HEADERS: Readonly<Record<ResponseHeader | OwnHeader, string>> = {
  "Request-Id": "Names the request in the server's log; taken over from the request where it sent a proper one.",
  ETag: "The wallet's version, for If-Match and If-None-Match.",
  Location: "The path of what was made.",
  "Idempotency-Replayed": "true where this is the stored answer to an earlier request with the same key.",
  "Preference-Applied": "The preference that was honoured.",
  "Retry-After": "Seconds after which to try again.",
  "WWW-Authenticate": "What to send in Authorization, and what is wrong with what was sent (RFC 6750).",
  RateLimit: "How many requests are left at once (r), and in how many seconds all of them are again (t).",
  "RateLimit-Policy": "How many requests a client may send at once (q), and in how many seconds as many again (w).",
  Allow: "The methods of this path.",
};

/** A header of the request, as a parameter. */
export function headerParameter(name: RequestHeader) {
  const { description, example, maxLength, pattern } = REQUEST_HEADERS[name];
  // In the schema, where Swagger UI shows it; as the parameter's own it would be sent with every try.
  const schema = {
    type: "string",
    ...(maxLength !== undefined && { minLength: 1, maxLength }),
    ...(pattern !== undefined && { pattern }),
    examples: [example],
  };
  return { name, in: "header", required: false, description, schema };
}

/** References to the headers of a response; every one has a Request-Id. */
export function responseHeaders(names: readonly (keyof typeof RESPONSE_HEADERS)[]) {
  return Object.fromEntries(["Request-Id", ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** Headers that go with a code. */
const CODE_HEADERS: Readonly<Partial<Record<ProblemCode, readonly (keyof typeof RESPONSE_HEADERS)[]>>> = {
  unauthenticated: ["WWW-Authenticate"],
  forbidden: ["WWW-Authenticate"],
  rate_limited: ["RateLimit", "RateLimit-Policy"],
};

/** The answer of one status, with one example for each code that has it. */
export function problemAnswer(codes: readonly ProblemCode[]) {
  const retries = codes.some((code) => PROBLEMS[code].retryAfterS !== undefined);
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].meaning}`).join("\n\n"),
    headers: responseHeaders([
      ...(retries ? (["Retry-After"] as const) : []),
      ...codes.flatMap((code) => CODE_HEADERS[code] ?? []),
    ]),
    content: {
      [PROBLEM_TYPE]: {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

const PROBLEM_SCHEMA = {
  type: "object",
  description: "An error (RFC 9457). Branch on code; detail is for a person.",
  required: ["type", "title", "status", "detail", "code", "instance", "request_id"],
  properties: {
    type: { type: "string", format: "uri-reference" },
    title: { type: "string" },
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: { type: "string" },
    code: { type: "string", enum: PROBLEM_CODES },
    instance: { type: "string", description: "The path of the request." },
    request_id: { type: "string" },
    transaction_id: { type: "string", format: "uuid", description: "The failed line, or the saga." },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["in", "path", "message"],
        properties: {
          in: { type: "string", enum: ["body", "query", "path", "header"] },
          path: { type: "string", format: "json-pointer" },
          message: { type: "string" },
        },
      },
    },
  },
};

/** The name of the one way to say who calls. */
export const KEY_SCHEME = "api_key";

const KEY_SECURITY = {
  type: "http",
  scheme: "bearer",
  description:
    "An API key. Its role is read, write (also moves money) or admin (also freezes, and replays dead letters).",
};

function problemExample(code: ProblemCode) {
  const value: object = JSON.parse(`${problemHead(code)}}`);
  return { summary: PROBLEMS[code].title, value: { ...value, instance: "/wallets", request_id: REQUEST_ID_EXAMPLE } };
}

/** The components that the functions above refer to, and the schemas of the routes. */
export function components(schemas: Readonly<Record<string, unknown>>, asksForKeys: boolean) {
  const headers = Object.entries(RESPONSE_HEADERS).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    schemas: { ...schemas, Problem: PROBLEM_SCHEMA },
    headers: Object.fromEntries(headers),
    examples: Object.fromEntries(PROBLEM_CODES.map((code) => [code, problemExample(code)])),
    ...(asksForKeys && { securitySchemes: { [KEY_SCHEME]: KEY_SECURITY } }),
  };
}
