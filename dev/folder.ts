import { accessSync, constants, mkdirSync } from "node:fs";
import { SetupError } from "./setup-error.ts";

/** Makes the folder if it is missing, and is sure that it can be written to. */
export function writableFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    throw new SetupError(
      `The folder ${folder} cannot be written to: make it yours with \`sudo chown -R $(id -u) ${folder}\`, or move the checkout`,
    );
  }
}
