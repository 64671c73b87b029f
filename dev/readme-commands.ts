/** The commands that the README opens with: how to start, and how to test. */
import { exchangesOf } from "../test/end-to-end/document.ts";
import { SetupError } from "./setup-error.ts";

/** `npx -y bun@… start`, as the README has it. */
export function startCommand(readme: string): string {
  return commandOf(readme, /\sstart$/);
}

/** `npx -y bun@… run test`, as the README has it. */
export function testCommand(readme: string): string {
  return commandOf(readme, /\srun test$/);
}

function commandOf(readme: string, which: RegExp): string {
  const [first] = exchangesOf(readme);
  const lines = first?.commands.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim()) ?? [];
  const found = lines.find((line) => which.test(line));
  if (found === undefined)
    throw new SetupError(`the first commands of README.md have none that ends in ${which.source}`);
  return found;
}
