/** A call as a command for a shell, for whoever wants to do by hand what the page did. */

export interface Command {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export function toCurl({ method, url, headers, body }: Command): string {
  const parts = [`curl -i${method === "GET" || body !== undefined ? "" : ` -X ${method}`} ${quote(url)}`];
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`-d ${quote(body)}`);
  return parts.join(" \\\n  ");
}

/** Nothing means anything between single quotes but a single quote. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
