/** A listener of the local broker for clients that encrypt and log in, as brokers elsewhere have it: SASL_SSL with SCRAM. */

export interface SecureListener {
  port: number;
  /** The name of 127.0.0.1 that the broker tells its clients to come back to; the certificate has to name it. */
  host: string;
  /** A PEM file: the private key, then the certificate. */
  keystore: string;
  username: string;
  password: string;
}

const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/** The broker's settings with the listener among them. */
export function withSecureListener(
  secure: SecureListener | undefined,
  plain: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (secure === undefined) return plain;
  const also = (name: string, part: string): [string, string] => [name, `${plain[name]},${part}`];
  return {
    ...plain,
    ...Object.fromEntries([
      also("listeners", `SECURE://127.0.0.1:${secure.port}`),
      also("advertised.listeners", `SECURE://${secure.host}:${secure.port}`),
      also("listener.security.protocol.map", "SECURE:SASL_SSL"),
    ]),
    "listener.name.secure.ssl.keystore.type": "PEM",
    "listener.name.secure.ssl.keystore.location": secure.keystore,
    "listener.name.secure.sasl.enabled.mechanisms": MECHANISMS.join(","),
    ...Object.fromEntries(
      MECHANISMS.map((mechanism) => [
        `listener.name.secure.${mechanism.toLowerCase()}.sasl.jaas.config`,
        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
      ]),
    ),
  };
}

/** For the tool that formats the broker's data: the first login, without which nobody could make another. */
export function scramArguments(secure: SecureListener | undefined): string[] {
  if (secure === undefined) return [];
  const { username, password } = secure;
  return MECHANISMS.flatMap((mechanism) => ["--add-scram", `${mechanism}=[name=${username},password=${password}]`]);
}
