/** A call as a command for a shell, for whoever wants to do by hand what the page did. */

export interface Command {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** An API key goes with it, which the shell has in a variable: a command is shown and shared, a key is not. */
  readonly withKey?: boolean;
}

export function toCurl({ method, url, headers, body, withKey = false }: Command): string {
  const parts = [`curl -i${method === "GET" || body !== undefined ? "" : ` -X ${method}`} ${quote(url)}`];
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  if (withKey) parts.push(KEY);
  if (body !== undefined) parts.push(`-d ${quote(body)}`);
  return parts.join(" \\\n  ");
}

const KEY = '-H "Authorization: Bearer $API_KEY"';

/** Nothing means anything between single quotes but a single quote. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
