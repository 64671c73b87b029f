import { readFileSync } from "node:fs";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/** The PEM certificates of a file, or null where it cannot be read or holds none. */
export function readCertificates(path: string): string | null {
  try {
    const text = readFileSync(path, "utf8");
    return text.includes("-----BEGIN CERTIFICATE-----") ? text : null;
  } catch {
    return null;
  }
}

/**
 * For the option `checkServerIdentity`: the certificate has to name the host that was asked for. Said by name, since the server name
 * that TLS itself carries may not be an IP address (RFC 6066 §3) and would leave one unchecked.
 */
export function namesHost(host: string): (_name: string, certificate: PeerCertificate) => Error | undefined {
  return (_name, certificate) => checkServerIdentity(host, certificate);
}
