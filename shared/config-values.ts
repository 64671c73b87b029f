/** What the text of a variable means, or what it should have been; the text itself is never repeated, it may be a secret. */

import { readCertificates } from "./certificates.ts";
import { parseDatabaseAddress } from "./database-address.ts";

/** `expected` completes "NAME is not …". */
export type Parsed<T> = { ok: true; value: T } | { ok: false; expected: string };

const MAX_PORT = 65_535;
/** Kafka's rule for topics; group ids are kept to it too. */
const NAME = /^[A-Za-z0-9._-]{1,249}$/;

/** Any text. */
export function parseText(text: string): Parsed<string> {
  return { ok: true, value: text };
}

/** The address as it is, with what it says about TLS looked through. */
export function parsePostgresUrl(text: string): Parsed<string> {
  const address = parseDatabaseAddress(text);
  return address.ok ? { ok: true, value: text } : address;
}

/** The certificates in the file of this path. */
export function parseCertificates(path: string): Parsed<string> {
  const pem = readCertificates(path);
  return pem === null
    ? { ok: false, expected: "a file of PEM certificates that can be read" }
    : { ok: true, value: pem };
}

/** An address that pages are served at, without a slash at its end. */
export function parseHttpUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === ""
    ? { ok: true, value: text.replace(/\/+$/, "") }
    : { ok: false, expected: "an address: write http://localhost:3001, with nothing behind the path" };
}

/** `host:port` pairs with commas between them. */
export function parseBrokers(text: string): Parsed<string[]> {
  const brokers = list(text);
  const valid =
    brokers.length > 0 &&
    brokers.every((broker) => /^[^\s:/]+:\d+$|^\[[0-9a-f:]+\]:\d+$/i.test(broker) && validPort(broker));
  return valid
    ? { ok: true, value: brokers }
    : {
        ok: false,
        expected: "a list of brokers: write host:port, several with commas between them, no protocol before them",
      };
}

export function parseName(text: string): Parsed<string> {
  return NAME.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: "a name: write up to 249 letters, digits, dots, underscores and hyphens" };
}

/** A share of all, from 0 to 1. */
export function parseShare(text: string): Parsed<number> {
  const share = Number(text);
  return /^\d*\.?\d+$/.test(text) && share <= 1
    ? { ok: true, value: share }
    : { ok: false, expected: "a share: write a number from 0 to 1, such as 0.01" };
}

export function parsePort(text: string): Parsed<number> {
  return parseInteger(text, 1, MAX_PORT);
}

export function parseInteger(text: string, min: number, max: number): Parsed<number> {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max
    ? { ok: true, value }
    : { ok: false, expected: `a whole number from ${min} to ${max}` };
}

export function parseFlag(text: string): Parsed<boolean> {
  const flag = { true: true, "1": true, false: false, "0": false }[text.toLowerCase()];
  return flag === undefined ? { ok: false, expected: "a switch: write true or false" } : { ok: true, value: flag };
}

/** Origins with commas between them, or `*`. */
export function parseOrigins(text: string): Parsed<string[]> {
  const origins = list(text);
  return origins.every((origin) => origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin))
    ? { ok: true, value: origins }
    : {
        ok: false,
        expected:
          "a list of origins: write http://localhost:3000, several with commas between them, no path after them, or *",
      };
}

export function parseOneOf<const T extends string>(choices: readonly T[], text: string): Parsed<T> {
  const found = choices.find((choice) => choice === text.toLowerCase());
  return found === undefined ? { ok: false, expected: `one of ${choices.join(", ")}` } : { ok: true, value: found };
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

function validPort(address: string): boolean {
  return parsePort(address.slice(address.lastIndexOf(":") + 1)).ok;
}
