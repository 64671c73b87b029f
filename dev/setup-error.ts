/** Something outside the program keeps it from starting; the message is one line that says what to do next. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** How whoever reads this has come here, so that it can be typed again: npx leaves itself in the environment of what it runs. */
export const START = (process.env.npm_execpath ?? "").endsWith("npm-cli.js")
  ? `npx -y bun@${Bun.version} start`
  : "bun start";

/** What to do about a program that has said more into its log than its last line. */
export function seeLog(file: string): string {
  return `\`tail -n 40 ${file}\` shows what it said`;
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
