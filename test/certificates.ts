/** Certificates for tests of TLS, made by openssl: real ones, of an authority that nobody else knows. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificate {
  /** PEM files. */
  readonly cert: string;
  readonly key: string;
}

/** An authority, with its files in a folder of its own. */
export function makeAuthority(folder: string, name: string): Certificate {
  return make(join(folder, name), name, ["-addext", "basicConstraints=critical,CA:TRUE"]);
}

/** A server's certificate, vouched for by the authority; `names` such as `DNS:localhost`. */
export function issue(folder: string, authority: Certificate, names: readonly string[]): Certificate {
  const signed = ["-CA", authority.cert, "-CAkey", authority.key];
  return make(join(folder, "server"), "a server", [...signed, "-addext", `subjectAltName=${names.join(",")}`]);
}

/** Key and certificate in one file, as Kafka takes them. */
export function inOneFile({ cert, key }: Certificate): string {
  const file = `${key}store`;
  writeFileSync(file, readFileSync(key, "utf8") + readFileSync(cert, "utf8"));
  return file;
}

function make(folder: string, name: string, more: readonly string[]): Certificate {
  mkdirSync(folder, { recursive: true });
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const made = Bun.spawnSync(
    [
      ...["openssl", "req", "-x509", "-days", "2", "-subj", `/CN=${name}`, ...newKey],
      ...["-keyout", files.key, "-out", files.cert, ...more],
    ],
    { stderr: "pipe" },
  );
  if (!made.success) throw new Error(`openssl made no certificate: ${made.stderr.toString()}`);
  chmodSync(files.key, 0o600);
  return files;
}
